using System.Diagnostics;

namespace Porthole.Bench;

/// <summary>CLOCK_MONOTONIC in nanoseconds, which is what a Stopwatch tick is on Linux.</summary>
internal static class Clock
{
    public const long Millisecond = 1_000_000;
    public const long Second = 1_000_000_000;

    public static long Now => Stopwatch.GetTimestamp();

    public static double Microseconds(long nanoseconds) => nanoseconds / 1e3;

    public static double Milliseconds(long nanoseconds) => nanoseconds / 1e6;
}
