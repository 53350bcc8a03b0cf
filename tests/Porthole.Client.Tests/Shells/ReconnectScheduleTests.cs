using Microsoft.Extensions.Time.Testing;

namespace Porthole.Client.Tests.Shells;

public sealed class ReconnectScheduleTests
{
    private static readonly ReconnectPolicy WithoutJitter = ReconnectPolicy.Default with { Jitter = 0 };

    [Fact]
    public void The_first_attempt_is_at_once_then_the_official_delays_with_a_pause_between_rounds()
    {
        var schedule = new ReconnectSchedule(WithoutJitter with { Window = null }, new FakeTimeProvider());

        var waits = Enumerable.Range(0, 12).Select(_ => schedule.Next().TotalSeconds);

        Assert.Equal([0, 1, 2, 4, 8, 15 + 30, 1, 2, 4, 8, 15 + 30, 1], waits);
        Assert.Equal(12, schedule.Attempts);
    }

    [Fact]
    public void Jitter_stays_within_a_quarter_and_is_not_always_the_same()
    {
        var waits = new List<double>();
        for (var drop = 0; drop < 200; drop++)
        {
            var schedule = new ReconnectSchedule(ReconnectPolicy.Default, new FakeTimeProvider());
            schedule.Next();
            waits.Add(schedule.Next().TotalSeconds);
        }

        Assert.All(waits, wait => Assert.InRange(wait, 0.75, 1.25));
        Assert.True(waits.Distinct().Count() > 100);
    }

    [Fact]
    public void A_wait_is_cut_to_what_is_left_of_the_window_and_then_it_is_over()
    {
        var time = new FakeTimeProvider();
        var schedule = new ReconnectSchedule(WithoutJitter with { Window = TimeSpan.FromSeconds(20) }, time);
        for (var attempt = 0; attempt < 5; attempt++) time.Advance(schedule.Next());

        Assert.Equal(5, schedule.Next().TotalSeconds);
        Assert.False(schedule.IsOver);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(schedule.IsOver);
    }
}
