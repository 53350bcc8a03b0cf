using System.Diagnostics;

namespace Porthole.Server.Shells;

/// <summary>Counts events in a sliding window, exactly (contract section 4.5: data messages, inbound only).</summary>
internal sealed class FrameRateLimit(int maxEvents, TimeSpan window)
{
    private readonly long _windowTicks = (long)(window.TotalSeconds * Stopwatch.Frequency);

    // A circle of the times of the last maxEvents events; made on first use, for a silent connection needs none.
    private long[]? _times;
    private int _next;

    /// <summary>Notes an event now.</summary>
    /// <returns>False when it is one too many for the window.</returns>
    public bool Allow()
    {
        var now = Stopwatch.GetTimestamp();
        _times ??= Before(now - _windowTicks);
        if (now - _times[_next] < _windowTicks)
            return false;
        _times[_next] = now;
        _next = (_next + 1) % maxEvents;
        return true;
    }

    private long[] Before(long time)
    {
        var times = new long[maxEvents];
        Array.Fill(times, time);
        return times;
    }
}
