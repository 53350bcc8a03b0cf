using System.Runtime.InteropServices;

namespace Porthole.Posix;

#pragma warning disable CS1591, CA1401, SYSLIB1054 // See Libc.cs.

// What the first process of a machine does: kernel modules, clock, names, network card, random numbers.
public static unsafe partial class Libc
{
    // asm-generic/unistd.h differs from x86_64.
    public static nint SYS_finit_module => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 313 : 273;

    public const nint SYS_openat2 = 437;

    // time.h, linux/reboot.h, linux/random.h
    public const int CLOCK_REALTIME = 0, RB_AUTOBOOT = 0x01234567;
    public const nuint RNDADDENTROPY = 0x40085203, RNDRESEEDCRNG = 0x5207;

    // linux/sockios.h, linux/if.h
    public const int SOCK_DGRAM = 2;
    public const nuint SIOCADDRT = 0x890B, SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, SIOCSIFNETMASK = 0x891C, SIOCSIFHWADDR = 0x8924;
    public const short IFF_UP = 1;

    [LibraryImport(Library, EntryPoint = "clock_settime", SetLastError = true)]
    public static partial int ClockSetTime(int clock, TimeSpec* time);

    [LibraryImport(Library, EntryPoint = "sethostname", SetLastError = true)]
    public static partial int SetHostName(byte* name, nuint length);

    [LibraryImport(Library, EntryPoint = "reboot", SetLastError = true)]
    public static partial int Reboot(int how);

    [LibraryImport(Library, EntryPoint = "dup2", SetLastError = true)]
    public static partial int Dup2(int fd, int newFd);

    /// <summary>struct timespec of clock_settime(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public long Seconds, Nanoseconds;
    }
}
