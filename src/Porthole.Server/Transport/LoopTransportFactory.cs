using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Porthole.Posix;

namespace Porthole.Server.Transport;

/// <summary>
/// Kestrel's transport for Porthole: TCP on an <see cref="EventLoop"/> instead of the framework's socket engine, so that a connection
/// can leave HTTP after a WebSocket upgrade and go on as a bare descriptor (<see cref="LoopConnection.LeaveHttpAsync"/>).
/// </summary>
internal sealed class LoopTransportFactory(EventLoop loop) : IConnectionListenerFactory
{
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not IPEndPoint ip)
            throw new NotSupportedException($"only IP addresses can be listened on, not {endpoint}");
        var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            if (ip.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(ip);
            socket.Listen();
        }
        catch (SocketException e)
        {
            socket.Dispose();

            // Kestrel's own type for it, which the host turns into one clear line.
            throw e.SocketErrorCode == SocketError.AddressAlreadyInUse ? new AddressInUseException(e.Message, e) : e;
        }

        return ValueTask.FromResult<IConnectionListener>(new LoopListener(loop, socket));
    }
}
