using System.Runtime.InteropServices;

namespace Porthole.Posix;

/// <summary>Error numbers of errno(3) that Porthole makes decisions on (asm-generic values, the same on x86-64 and arm64).</summary>
public static class Errno
{
#pragma warning disable CS1591 // errno(3)
    public const int EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENOEXEC = 8, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EBUSY = 16, EEXIST = 17, EXDEV = 18,
        ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENFILE = 23, EMFILE = 24, ENOSPC = 28, EPIPE = 32, ENOSYS = 38, ECHILD = 10, ECONNRESET = 104, ECONNREFUSED = 111, EINPROGRESS = 115;
#pragma warning restore CS1591

    /// <summary>The error number that the last call of this thread left.</summary>
    public static int Last => Marshal.GetLastPInvokeError();

    /// <summary>The message of strerror(3) for an error number.</summary>
    public static string Describe(int number) => Marshal.GetPInvokeErrorMessage(number);
}
