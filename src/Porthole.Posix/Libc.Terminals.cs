using System.Runtime.InteropServices;

namespace Porthole.Posix;

#pragma warning disable CS1591, CA1401, SYSLIB1054 // See Libc.cs.

// Terminals: pty(7), termios(3), ioctl_tty(2).
public static unsafe partial class Libc
{
    public const nuint TIOCSWINSZ = 0x5414, TIOCGWINSZ = 0x5413, TIOCGPGRP = 0x540F, TIOCSIG = 0x40045436;
    public const int TCSANOW = 0, TCSADRAIN = 1, TCSAFLUSH = 2;

    /// <summary>Room for a struct termios of any C library; its fields are never read here.</summary>
    public const int TermiosBytes = 128;

    [LibraryImport(Library, EntryPoint = "posix_openpt", SetLastError = true)]
    public static partial int PosixOpenPt(int flags);

    [LibraryImport(Library, EntryPoint = "grantpt", SetLastError = true)]
    public static partial int GrantPt(int fd);

    [LibraryImport(Library, EntryPoint = "unlockpt", SetLastError = true)]
    public static partial int UnlockPt(int fd);

    // Returns the error number, like pthread functions.
    [LibraryImport(Library, EntryPoint = "ptsname_r")]
    public static partial int PtsNameR(int fd, byte* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "isatty")]
    public static partial int IsATty(int fd);

    [LibraryImport(Library, EntryPoint = "tcgetattr", SetLastError = true)]
    public static partial int TcGetAttr(int fd, void* termios);

    [LibraryImport(Library, EntryPoint = "tcsetattr", SetLastError = true)]
    public static partial int TcSetAttr(int fd, int actions, void* termios);

    [LibraryImport(Library, EntryPoint = "cfmakeraw")]
    public static partial void CfMakeRaw(void* termios);

    /// <summary>struct winsize of ioctl_tty(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct WinSize
    {
        public ushort Rows, Columns, PixelsX, PixelsY;
    }
}
