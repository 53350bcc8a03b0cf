using System.Buffers.Binary;
using System.Net;
using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>Routes of the network namespace that this process is in (rtnetlink(7)).</summary>
internal static unsafe class Routes
{
    // linux/netlink.h, linux/rtnetlink.h
    private const int AF_NETLINK = 16, SOCK_RAW = 3, NETLINK_ROUTE = 0;
    private const ushort RTM_NEWROUTE = 24, NLM_F_REQUEST = 1, NLM_F_ACK = 4, NLM_F_CREATE = 0x400, NLM_F_REPLACE = 0x100, RTA_DST = 1;
    private const byte AF_INET = 2, RT_TABLE_MAIN = 254, RTPROT_STATIC = 4, RT_SCOPE_UNIVERSE = 0, RTN_UNREACHABLE = 7;

    // struct nlmsghdr (16), struct rtmsg (12), struct rtattr (4) with an IPv4 address (4); the answer is a header, an errno and our header again.
    private const int RequestBytes = 36, AnswerBytes = 256, AnswerErrnoOffset = 16;

    /// <summary>Answers all that is sent to an IPv4 network (ADDRESS/BITS) with "unreachable", whatever other routes there will be.</summary>
    public static void AddUnreachable(string network)
    {
        if (!IPNetwork.TryParse(network, out var parsed))
            throw new ArgumentException($"{network} is no network");
        Span<byte> request = stackalloc byte[RequestBytes];
        BinaryPrimitives.WriteInt32LittleEndian(request, RequestBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(request[4..], RTM_NEWROUTE);
        BinaryPrimitives.WriteUInt16LittleEndian(request[6..], NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
        (request[16], request[17]) = (AF_INET, (byte)parsed.PrefixLength);
        (request[20], request[21], request[22], request[23]) = (RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNREACHABLE);
        BinaryPrimitives.WriteUInt16LittleEndian(request[28..], 8);
        BinaryPrimitives.WriteUInt16LittleEndian(request[30..], RTA_DST);
        if (!parsed.BaseAddress.TryWriteBytes(request[32..], out _))
            throw new ArgumentException($"{network} is no IPv4 network");
        Exchange(request, $"make {network} unreachable");
    }

    private static void Exchange(ReadOnlySpan<byte> request, string doing)
    {
        using var socket = new Descriptor(Libc.Socket(AF_NETLINK, SOCK_RAW | Libc.SOCK_CLOEXEC, NETLINK_ROUTE));
        var answer = stackalloc byte[AnswerBytes];
        fixed (byte* bytes = request)
        {
            if (socket.IsInvalid || Libc.Send(socket.Number, bytes, (nuint)request.Length, 0) < 0 || Libc.Recv(socket.Number, answer, AnswerBytes, 0) < 0)
                throw PosixException.FromLast(doing);
        }

        var error = *(int*)(answer + AnswerErrnoOffset);
        if (error != 0)
            throw new PosixException(doing, -error);
    }
}
