using System.Diagnostics;
using Porthole.Posix;
using Porthole.Protocol.Shells;

namespace Porthole.Guest;

/// <summary>
/// Keeps a lane's thread ahead of the sandbox's other work while it carries what a person types, and takes that back while it carries a
/// flood: otherwise the flood would interrupt the typing of other lanes (docs/decisions/0011-short-time-slices.md).
/// </summary>
internal sealed class LanePace
{
    private FloodMeter _meter;

    /// <summary>The lane begins, on its own thread.</summary>
    public static void Begin() => TimeSlice.TrySet(0, TimeSlice.Shortest);

    /// <summary>The lane has sent output. On its thread.</summary>
    public void Sent(long bytes)
    {
        var before = _meter.IsFlooding;
        if (_meter.Count(bytes, Stopwatch.GetTimestamp()) && _meter.IsFlooding != before)
            TimeSlice.TrySet(0, before ? TimeSlice.Shortest : TimeSpan.Zero);
    }
}
