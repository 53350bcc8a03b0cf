using System.Runtime.InteropServices;

namespace Porthole.Posix;

/// <summary>
/// How long a thread may run before the scheduler looks at the others (sched_setattr(2), a custom slice of the fair class). It changes nobody's
/// share of the processor. One that asks for little at a time runs sooner: since Linux 6.12 it may interrupt a longer slice when it wakes up,
/// instead of waiting for its end. Older kernels take the request and do nothing, which is as good as not asking.
/// </summary>
public static unsafe class TimeSlice
{
    /// <summary>The shortest slice that the kernel gives, 100 microseconds: for who runs briefly and is waited for by a person.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromMicroseconds(100);

    private const ulong ResetOnFork = 1;

    // include/uapi/asm-generic/unistd.h, and x86's own table.
    private static readonly nint s_setAttr = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 314 : 274;
    private static readonly nint s_getAttr = s_setAttr + 1;

    /// <summary>Asks for a slice, for a thread alone: not for those that it starts.</summary>
    /// <param name="thread">Id of the thread, of one's own user; 0 for the calling one. A process's id is that of its first thread.</param>
    /// <param name="slice">Between <see cref="Shortest"/> and 100 ms, or zero for the kernel's own.</param>
    /// <returns>False when the thread is gone, or the kernel or a filter refuses.</returns>
    public static bool TrySet(int thread, TimeSpan slice)
    {
        var attributes = new SchedulingAttributes { Size = (uint)sizeof(SchedulingAttributes) };
        if (Libc.Syscall(s_getAttr, thread, (nint)(&attributes), sizeof(SchedulingAttributes), 0) < 0)
            return false;

        // Policy and niceness stay what they are.
        attributes.Flags |= ResetOnFork;
        attributes.Runtime = (ulong)slice.TotalNanoseconds;
        return Libc.Syscall(s_setAttr, thread, (nint)(&attributes), 0, 0) == 0;
    }

    // struct sched_attr in its first form.
    [StructLayout(LayoutKind.Sequential)]
    private struct SchedulingAttributes
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Nice;
        public uint Priority;
        public ulong Runtime;
        public ulong Deadline;
        public ulong Period;
    }
}
