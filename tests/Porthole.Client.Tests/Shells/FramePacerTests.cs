using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;

namespace Porthole.Client.Tests.Shells;

public sealed class FramePacerTests
{
    [Property]
    public bool No_second_ever_sees_more_than_220_frames(byte[] pausesInMilliseconds)
    {
        var time = new FakeTimeProvider();
        var pacer = new FramePacer(time);
        var sent = new List<DateTimeOffset>();
        foreach (var pause in pausesInMilliseconds.Concat(new byte[600]))
        {
            time.Advance(TimeSpan.FromMilliseconds(pause));
            while (pacer.Take() is { Ticks: > 0 } wait) time.Advance(wait);
            sent.Add(time.GetUtcNow());
        }

        return sent.Select((start, first) => sent.Skip(first).Count(at => at - start < TimeSpan.FromSeconds(1))).Max() <= 220;
    }

    [Fact]
    public void A_frame_now_and_then_never_waits()
    {
        var time = new FakeTimeProvider();
        var pacer = new FramePacer(time);
        for (var key = 0; key < 1_000; key++)
        {
            Assert.Equal(TimeSpan.Zero, pacer.Take());
            time.Advance(TimeSpan.FromMilliseconds(10));
        }
    }
}
