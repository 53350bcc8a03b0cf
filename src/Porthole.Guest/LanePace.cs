using System.Diagnostics;
using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>
/// Keeps a lane's thread ahead of the sandbox's other work while it carries what a person types, and takes that back while it carries a
/// flood: otherwise the flood would interrupt the typing of other lanes (docs/decisions/0011-short-time-slices.md).
/// </summary>
internal sealed class LanePace
{
    // As the server tells floods (docs/decisions/0003-calm-and-hot-loops.md).
    private const int FloodBytes = 256 * 1024, CalmBytes = 64 * 1024;
    private static readonly long s_floodWindow = Stopwatch.Frequency / 20, s_calmWindow = Stopwatch.Frequency;

    private bool _flooding;
    private long _since = Stopwatch.GetTimestamp();
    private long _bytes;

    /// <summary>The lane begins, on its own thread.</summary>
    public static void Begin() => TimeSlice.TrySet(0, TimeSlice.Shortest);

    /// <summary>The lane has sent output. On its thread.</summary>
    public void Sent(long bytes)
    {
        _bytes += bytes;
        var now = Stopwatch.GetTimestamp();
        var elapsed = now - _since;
        if (elapsed < (_flooding ? s_calmWindow : s_floodWindow))
            return;
        var flooding = _flooding ? _bytes * s_calmWindow / elapsed >= CalmBytes : _bytes >= FloodBytes && elapsed < 2 * s_floodWindow;
        (_bytes, _since) = (0, now);
        if (flooding == _flooding)
            return;
        _flooding = flooding;
        TimeSlice.TrySet(0, flooding ? TimeSpan.Zero : TimeSlice.Shortest);
    }
}
