using System.Diagnostics;

namespace Porthole.Protocol.Shells;

/// <summary>
/// Tells a flood of output from what a person sees of typing: 256 KB within 50 ms begin one, and a second with less than 64 KB ends it.
/// The default value is one that has counted nothing. See docs/decisions/0003-calm-and-hot-loops.md and 0011-short-time-slices.md.
/// </summary>
public struct FloodMeter
{
    private const int FloodBytes = 256 * 1024, CalmBytes = 64 * 1024;

    private static readonly long s_floodWindow = Stopwatch.Frequency / 20, s_calmWindow = Stopwatch.Frequency;

    private long _since;
    private long _bytes;

    /// <summary>What the last verdict was; false before there was one.</summary>
    public bool IsFlooding { get; private set; }

    /// <summary>Counts output.</summary>
    /// <param name="bytes">How much; 0 to ask only.</param>
    /// <param name="now">The time, as <see cref="Stopwatch.GetTimestamp"/> tells it.</param>
    /// <returns>Whether a window ended with this, so that <see cref="IsFlooding"/> is a new verdict.</returns>
    public bool Count(long bytes, long now)
    {
        _bytes += bytes;
        var elapsed = now - _since;
        if (elapsed < (IsFlooding ? s_calmWindow : s_floodWindow))
            return false;
        IsFlooding = IsFlooding ? _bytes * s_calmWindow / elapsed >= CalmBytes : _bytes >= FloodBytes && elapsed < 2 * s_floodWindow;
        (_bytes, _since) = (0, now);
        return true;
    }
}
