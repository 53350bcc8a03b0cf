using System.Runtime.InteropServices;

namespace Porthole.Bench;

/// <summary>The system calls of the driver: blocking reads and writes on plain descriptors, the same for every peer.</summary>
internal static unsafe partial class Native
{
    public const int EINTR = 4;
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;
    public const short POLLIN = 1;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Results;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("benchspawn", EntryPoint = "bench_spawn", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Spawn(string?[] arguments, string?[] environment, int how, string log, int deathSignal, int* descriptors);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "waitpid")]
    public static partial int WaitPid(int pid, int* status, int options);

    [LibraryImport("libc", EntryPoint = "ppoll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, TimeSpec* timeout, nint signalMask);

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int ClockNanosleep(int clock, int flags, TimeSpec* until, nint remaining);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>Orphans of the peers come to this process, so that it finds and ends every one of them by its parent.</summary>
    public static void AdoptOrphans()
    {
        const int PR_SET_CHILD_SUBREAPER = 36;
        if (Control(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
            throw new BenchException("the kernel refused PR_SET_CHILD_SUBREAPER");
    }

    /// <summary>Sleeps until a time on <see cref="Clock"/>. Absolute, so that a schedule does not drift.</summary>
    public static void SleepUntil(long nanoseconds)
    {
        const int CLOCK_MONOTONIC = 1, TIMER_ABSTIME = 1;
        var until = new TimeSpec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        while (ClockNanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0) == EINTR)
        {
        }
    }

    /// <summary>Waits for input on any of the descriptors; false when the time is over first.</summary>
    public static bool WaitReadable(Span<PollDescriptor> descriptors, long timeoutNanoseconds)
    {
        timeoutNanoseconds = Math.Max(0, timeoutNanoseconds);
        var timeout = new TimeSpec { Seconds = timeoutNanoseconds / 1_000_000_000, Nanoseconds = timeoutNanoseconds % 1_000_000_000 };
        fixed (PollDescriptor* first = descriptors)
        {
            var ready = Poll(first, (nuint)descriptors.Length, &timeout, 0);
            if (ready < 0 && Marshal.GetLastPInvokeError() != EINTR)
                throw new BenchException($"poll failed: errno {Marshal.GetLastPInvokeError()}");
            return ready > 0;
        }
    }

    public static void WriteAll(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                var written = Write(descriptor, first + done, bytes.Length - done);
                if (written >= 0)
                    done += written;
                else if (Marshal.GetLastPInvokeError() != EINTR)
                    throw new TerminalEndedException($"write failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
            }
        }
    }

    /// <summary>One read; 0 at the end of the stream (a terminal says EIO there).</summary>
    public static int ReadSome(int descriptor, Span<byte> buffer)
    {
        const int EIO = 5, ECONNRESET = 104;
        fixed (byte* first = buffer)
        {
            while (true)
            {
                var count = Read(descriptor, first, buffer.Length);
                if (count >= 0)
                    return (int)count;
                var error = Marshal.GetLastPInvokeError();
                if (error is EIO or ECONNRESET)
                    return 0;
                if (error != EINTR)
                    throw new TerminalEndedException($"read failed: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }
}
