using System.Text;
using Porthole.Posix;

namespace Porthole.Cli.Terminal;

/// <summary>
/// Descriptors 0, 1 and 2 as the kernel sees them. The Console class is not for the hot path, nor for a terminal in raw mode: it keeps
/// settings of its own.
/// </summary>
internal static class StandardStream
{
    public const int Input = 0, Output = 1, Error = 2;

    private const int NoTimeout = -1;

    public static bool IsTerminal(int fd) => Libc.IsATty(fd) == 1;

    /// <summary>Reads what is there, waiting for at least a byte.</summary>
    /// <returns>Bytes read; 0 at the end, also when a terminal has hung up.</returns>
    /// <exception cref="PosixException">The descriptor cannot be read.</exception>
    public static unsafe int Read(int fd, Span<byte> buffer)
    {
        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
                count = Libc.Read(fd, start, (nuint)buffer.Length);
            if (count >= 0) return (int)count;
            switch (Errno.Last)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    Wait(fd, PollEvents.Readable);
                    continue;
                case Errno.EIO:
                    return 0;
                default:
                    throw PosixException.FromLast($"read descriptor {fd}");
            }
        }
    }

    /// <summary>Writes all of it.</summary>
    /// <returns>False when nobody reads any more: the pipe is closed or the terminal has hung up.</returns>
    /// <exception cref="PosixException">It cannot be written for another reason, for instance a full disk.</exception>
    public static unsafe bool Write(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint count;
            fixed (byte* start = bytes)
                count = Libc.Write(fd, start, (nuint)bytes.Length);
            if (count >= 0)
            {
                bytes = bytes[(int)count..];
                continue;
            }

            switch (Errno.Last)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    // Somebody who shares the open file made it non-blocking.
                    Wait(fd, PollEvents.Writable);
                    continue;
                case Errno.EPIPE or Errno.EIO:
                    return false;
                default:
                    throw PosixException.FromLast($"write descriptor {fd}");
            }
        }

        return true;
    }

    /// <summary>Writes text as UTF-8.</summary>
    public static bool Write(int fd, string text) => Write(fd, Encoding.UTF8.GetBytes(text));

    private static unsafe void Wait(int fd, PollEvents events)
    {
        var poll = new Libc.PollFd { Fd = fd, Events = (short)events };
        _ = Libc.Poll(&poll, 1, NoTimeout);
    }
}
