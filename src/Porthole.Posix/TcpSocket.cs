using System.Buffers.Binary;

namespace Porthole.Posix;

/// <summary>TCP connections to this machine's own loopback (tcp(7)).</summary>
public static unsafe class TcpSocket
{
    // struct sockaddr_in of ip(7): family, port and address in network order, eight bytes of nothing.
    private const int AddressBytes = 16;

    // netinet/tcp.h
    private const int IpProtoTcp = 6, TcpNoDelay = 1;

    /// <summary>Begins to connect to a port on 127.0.0.1. When the descriptor is writable, <see cref="ConnectError"/> says how that went.</summary>
    /// <returns>A non-blocking descriptor.</returns>
    /// <exception cref="PosixException">Nobody listens there (<see cref="Errno.ECONNREFUSED"/>), or there is no loopback.</exception>
    public static Descriptor BeginConnect(ushort port)
    {
        var socket = new Descriptor(Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0));
        if (socket.IsInvalid)
            throw PosixException.FromLast("make a TCP socket");
        var address = stackalloc byte[AddressBytes];
        new Span<byte>(address, AddressBytes).Clear();
        *(ushort*)address = Libc.AF_INET;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), port);
        BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(address + 4, 4), 0x7F00_0001);
        if (Libc.Connect(socket.Number, address, AddressBytes) < 0 && Errno.Last != Errno.EINPROGRESS)
        {
            var failure = PosixException.FromLast($"connect to 127.0.0.1:{port}");
            socket.Dispose();
            throw failure;
        }

        // Whoever sends here joins small writes itself.
        int one = 1;
        _ = Libc.SetSockOpt(socket.Number, IpProtoTcp, TcpNoDelay, &one, sizeof(int));
        return socket;
    }

    /// <summary>The error number of a connect that has come to its end; 0 when the connection stands.</summary>
    public static int ConnectError(Descriptor socket)
    {
        int error;
        uint length = sizeof(int);
        return Libc.GetSockOpt(socket.Number, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &length) == 0 ? error : Errno.Last;
    }
}
