using System.Buffers.Binary;
using System.Net;
using System.Text;
using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Machine;

/// <summary>The machine's loopback and its network card (netdevice(7)).</summary>
internal static unsafe class NetworkCard
{
    // struct ifreq: a name of 16 bytes, then a sockaddr or flags; 40 bytes in all. struct rtentry is 120 bytes, its addresses at 8, 24 and 40, its flags at 56.
    private const int RequestBytes = 40, ValueOffset = 16, RouteBytes = 120, RouteGatewayOffset = 24, RouteFlagsOffset = 56;
    private const int RouteTargetOffset = 8, RouteMaskOffset = 40, AddressOffset = 4;
    private const ushort EthernetType = 1, RouteUp = 1, RouteGateway = 2;

    /// <summary>Brings both up; the loopback alone when there is no address for the card.</summary>
    /// <exception cref="PosixException">There is no such card.</exception>
    public static void BringUp(ReadOnlySpan<byte> hardwareAddress)
    {
        using var socket = new Descriptor(Libc.Socket(Libc.AF_INET, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0));
        Request(socket, "lo", Libc.SIOCSIFFLAGS, BitConverter.GetBytes(Libc.IFF_UP));
        if (hardwareAddress.IsEmpty)
            return;
        Request(socket, "eth0", Libc.SIOCSIFHWADDR, [.. BitConverter.GetBytes(EthernetType), .. hardwareAddress]);
        Request(socket, "eth0", Libc.SIOCSIFADDR, SocketAddress(MachineNetwork.Address));
        Request(socket, "eth0", Libc.SIOCSIFNETMASK, SocketAddress(MachineNetwork.Mask));
        Request(socket, "eth0", Libc.SIOCSIFFLAGS, BitConverter.GetBytes(Libc.IFF_UP));
        AddDefaultRoute(socket);
    }

    private static void Request(Descriptor socket, string card, nuint request, ReadOnlySpan<byte> value)
    {
        var bytes = stackalloc byte[RequestBytes];
        var span = new Span<byte>(bytes, RequestBytes);
        span.Clear();
        Encoding.ASCII.GetBytes(card, span);
        value.CopyTo(span[ValueOffset..]);
        if (Libc.Ioctl(socket.Number, request, bytes) < 0)
            throw PosixException.FromLast($"set up {card}");
    }

    private static void AddDefaultRoute(Descriptor socket)
    {
        var bytes = stackalloc byte[RouteBytes];
        var span = new Span<byte>(bytes, RouteBytes);
        span.Clear();
        SocketAddress("0.0.0.0").CopyTo(span[RouteTargetOffset..]);
        SocketAddress(MachineNetwork.Gateway).CopyTo(span[RouteGatewayOffset..]);
        SocketAddress("0.0.0.0").CopyTo(span[RouteMaskOffset..]);
        BinaryPrimitives.WriteUInt16LittleEndian(span[RouteFlagsOffset..], RouteUp | RouteGateway);
        if (Libc.Ioctl(socket.Number, Libc.SIOCADDRT, bytes) < 0)
            throw PosixException.FromLast("set the default route");
    }

    // struct sockaddr_in: family, port, address.
    private static ReadOnlySpan<byte> SocketAddress(string address)
    {
        const int bytes = 16;
        var result = new byte[bytes];
        BinaryPrimitives.WriteUInt16LittleEndian(result, Libc.AF_INET);
        _ = IPAddress.Parse(address).TryWriteBytes(result.AsSpan(AddressOffset), out _);
        return result;
    }
}
