using System.Text;

namespace Porthole.Posix;

/// <summary>
/// Stream sockets that have a name in a directory (unix(7)). A name is reached through a descriptor of its directory,
/// because an address holds 107 bytes and directories are often deeper.
/// </summary>
public static unsafe class UnixSocket
{
    // struct sockaddr_un: two bytes of family, then the path.
    private const int PathOffset = 2, PathBytes = 108;

    /// <summary>Makes a listening socket; the directory entry must not exist yet.</summary>
    /// <param name="directory">Where the socket's name goes.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="backlog">Connections that may wait to be accepted.</param>
    /// <exception cref="PosixException">The name exists, or the directory cannot be written.</exception>
    public static Descriptor Listen(string directory, string name, int backlog)
    {
        using var held = Descriptor.OpenDirectory(directory);
        var socket = Make();
        var address = stackalloc byte[PathOffset + PathBytes];
        var length = Name(address, held, name);
        if (Libc.Bind(socket.Number, address, length) == 0 && Libc.Listen(socket.Number, backlog) == 0)
            return socket;
        var failure = PosixException.FromLast($"listen on {directory}/{name}");
        socket.Dispose();
        throw failure;
    }

    /// <summary>Connects without waiting.</summary>
    /// <returns>A non-blocking descriptor; null when the listener's backlog is full, so that the caller may try again later.</returns>
    /// <exception cref="PosixException">Nobody listens there (<see cref="Errno.ECONNREFUSED"/>, <see cref="Errno.ENOENT"/>).</exception>
    public static Descriptor? TryConnect(string directory, string name)
    {
        using var held = Descriptor.OpenDirectory(directory);
        var socket = Make();
        var address = stackalloc byte[PathOffset + PathBytes];
        var length = Name(address, held, name);
        if (Libc.Connect(socket.Number, address, length) == 0)
            return socket;
        var failure = PosixException.FromLast($"connect to {directory}/{name}");
        socket.Dispose();

        // unix(7): a full backlog is EAGAIN on a non-blocking socket, and nothing is under way.
        return failure.Number == Errno.EAGAIN ? null : throw failure;
    }

    /// <summary>Makes two stream sockets that are connected to each other, non-blocking.</summary>
    /// <exception cref="PosixException">The process is out of descriptors.</exception>
    public static (Descriptor Near, Descriptor Far) Pair()
    {
        var pair = stackalloc int[2];
        return Libc.SocketPair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0, pair) == 0
            ? (new Descriptor(pair[0]), new Descriptor(pair[1]))
            : throw PosixException.FromLast("make a pair of sockets");
    }

    /// <summary>Sends a short message, and a descriptor with it (unix(7), SCM_RIGHTS).</summary>
    /// <param name="socket">A connected socket, with room for the message.</param>
    /// <param name="message">The bytes.</param>
    /// <param name="passed">The descriptor; null for none.</param>
    /// <exception cref="PosixException">The peer is gone, or there is no room.</exception>
    public static void Send(Descriptor socket, ReadOnlySpan<byte> message, Descriptor? passed)
    {
        // struct cmsghdr: length, level, type, then the descriptor, padded to 8 bytes.
        const int headerBytes = 16, controlBytes = 24;
        var control = stackalloc byte[controlBytes];
        if (passed is not null)
        {
            *(nuint*)control = headerBytes + sizeof(int);
            *(int*)(control + 8) = Libc.SOL_SOCKET;
            *(int*)(control + 12) = Libc.SCM_RIGHTS;
            *(int*)(control + headerBytes) = passed.Number;
        }

        fixed (byte* bytes = message)
        {
            var vector = new Libc.IoVec { Base = bytes, Length = (nuint)message.Length };
            var header = new Libc.MsgHdr { Vectors = &vector, VectorCount = 1 };
            if (passed is not null)
            {
                header.Control = control;
                header.ControlLength = controlBytes;
            }

            if (Libc.SendMsg(socket.Number, &header, Libc.MSG_NOSIGNAL) != message.Length)
                throw PosixException.FromLast("send a message");
        }
    }

    private static Descriptor Make()
    {
        var socket = new Descriptor(Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0));
        return socket.IsInvalid ? throw PosixException.FromLast("make a unix socket") : socket;
    }

    private static uint Name(byte* address, Descriptor directory, string name)
    {
        var path = new Span<byte>(address + PathOffset, PathBytes);
        path.Clear();
        *(ushort*)address = Libc.AF_UNIX;
        return (uint)(PathOffset + Encoding.UTF8.GetBytes($"/proc/self/fd/{directory.Number}/{name}", path[..^1]) + 1);
    }
}
