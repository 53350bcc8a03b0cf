using System.Diagnostics;
using Porthole.Protocol.Shells;

namespace Porthole.Protocol.Tests.Shells;

public sealed class FloodMeterTests
{
    private static readonly long s_millisecond = Stopwatch.Frequency / 1000;

    private FloodMeter _meter;
    private long _now = Stopwatch.GetTimestamp();

    public FloodMeterTests() => After(60, 0);

    [Fact]
    public void What_a_person_sees_of_typing_is_no_flood()
    {
        for (var key = 0; key < 200; key++)
            Assert.False(After(50, 2000));
    }

    [Fact]
    public void A_quarter_of_a_megabyte_within_a_window_is_a_flood() => Assert.True(After(10, 200 * 1024) || After(45, 60 * 1024));

    [Fact]
    public void The_same_in_a_longer_time_is_none() => Assert.False(After(110, 260 * 1024));

    [Fact]
    public void A_flood_lasts_while_it_carries_64_KB_a_second()
    {
        After(55, 300 * 1024);
        Assert.True(After(300, 0));
        Assert.True(After(800, 100 * 1024));
        Assert.True(After(2000, 128 * 1024));
        Assert.False(After(2000, 127 * 1024));
    }

    [Fact]
    public void A_verdict_comes_at_the_end_of_a_window_only()
    {
        Assert.False(_meter.Count(1, _now += 20 * s_millisecond));
        Assert.True(_meter.Count(1, _now += 40 * s_millisecond));
        Assert.False(_meter.Count(1, _now += 40 * s_millisecond));
    }

    private bool After(int milliseconds, long bytes)
    {
        _meter.Count(bytes, _now += milliseconds * s_millisecond);
        return _meter.IsFlooding;
    }
}
