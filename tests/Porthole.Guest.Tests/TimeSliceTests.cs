using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Porthole.Posix;

namespace Porthole.Guest.Tests;

/// <summary>Who may interrupt whom: see docs/decisions/0011-short-time-slices.md.</summary>
public sealed class TimeSliceTests : IDisposable
{
    // Since this version the kernel keeps and tells a slice of one's own.
    private static readonly Version s_slices = new(6, 12);

    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void A_shell_has_the_shortest_slice_and_what_it_starts_has_the_usual_one()
    {
        Assert.SkipWhen(Environment.OSVersion.Version < s_slices, "this kernel has no slices of one's own");
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();

        var ofShell = SliceOf(shell.Run("echo pid=$$."));
        var ofChild = SliceOf(shell.Run("sleep 600 & echo pid=$!."));

        Assert.Equal(TimeSlice.Shortest, ofShell);
        Assert.True(ofChild > TimeSlice.Shortest, $"{ofChild}");
    }

    [Fact]
    public void A_slice_is_asked_for_in_vain_when_the_process_is_gone() => Assert.False(TimeSlice.TrySet(int.MaxValue, TimeSlice.Shortest));

    // sched_getattr(2): the field of the runtime, 24 bytes behind the start, holds the slice of a thread of the fair class.
    private static unsafe TimeSpan SliceOf(string output)
    {
        var pid = int.Parse(Regex.Match(output, @"pid=(\d+)\.").Groups[1].Value, CultureInfo.InvariantCulture);
        const nint getAttrOnX64 = 315, getAttrElsewhere = 275;
        var attributes = stackalloc byte[48];
        var number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? getAttrOnX64 : getAttrElsewhere;
        Assert.True(Libc.Syscall(number, pid, (nint)attributes, 48, 0) >= 0, Errno.Describe(Errno.Last));
        return TimeSpan.FromMicroseconds(*(ulong*)(attributes + 24) / 1000.0);
    }
}
