using System.Diagnostics;

namespace Porthole.Server;

/// <summary>Counts events in a sliding window, exactly. Not thread-safe.</summary>
internal sealed class RateLimit(int maxEvents, TimeSpan window)
{
    private readonly long _windowTicks = (long)(window.TotalSeconds * Stopwatch.Frequency);

    // The times of the events within the window, oldest first, in a circle that grows with use: a quiet connection needs none.
    private long[] _times = [];
    private int _first;
    private int _count;

    /// <summary>Notes an event now.</summary>
    /// <returns>False when it is one too many for the window.</returns>
    public bool Allow() => Allow(Stopwatch.GetTimestamp());

    /// <summary>Notes an event.</summary>
    /// <param name="now">Its time by <see cref="Stopwatch.GetTimestamp"/>; never before an earlier one.</param>
    /// <returns>False when it is one too many for the window.</returns>
    public bool Allow(long now)
    {
        while (_count > 0 && now - _times[_first] >= _windowTicks)
        {
            _first = (_first + 1) & (_times.Length - 1);
            _count--;
        }

        if (_count >= maxEvents)
            return false;
        if (_count == _times.Length)
            Grow();
        _times[(_first + _count++) & (_times.Length - 1)] = now;
        return true;
    }

    private void Grow()
    {
        var larger = new long[Math.Max(16, _times.Length * 2)];
        for (var i = 0; i < _count; i++)
            larger[i] = _times[(_first + i) & (_times.Length - 1)];
        (_times, _first) = (larger, 0);
    }
}
