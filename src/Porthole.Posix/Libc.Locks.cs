using System.Runtime.InteropServices;

namespace Porthole.Posix;

#pragma warning disable CS1591, CA1401, SYSLIB1054 // As in Libc.cs.
/// <content>Locks on files.</content>
public static unsafe partial class Libc
{
    // sys/file.h
    public const int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4;

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    public static partial int Flock(int fd, int operation);
}
