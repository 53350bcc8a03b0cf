using System.Diagnostics;
using FsCheck.Xunit;

namespace Porthole.Server.Tests;

public class RateLimitTests
{
    [Property]
    public void It_agrees_with_counting_every_event_of_the_last_window(int seed)
    {
        var random = new Random(seed);
        var max = random.Next(1, 60);
        var limit = new RateLimit(max, TimeSpan.FromSeconds(1));
        var allowed = new List<long>();
        long now = 1_000_000_000;
        for (var i = 0; i < 400; i++)
        {
            now += random.NextInt64(0, Stopwatch.Frequency / max * 2);
            var inWindow = allowed.Count(time => now - time < Stopwatch.Frequency);
            Assert.Equal(inWindow < max, limit.Allow(now));
            if (inWindow < max)
                allowed.Add(now);
        }
    }
}
