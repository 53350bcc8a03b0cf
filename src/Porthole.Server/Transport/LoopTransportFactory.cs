using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Porthole.Posix;
using Porthole.Server.Tls;

namespace Porthole.Server.Transport;

/// <summary>
/// Kestrel's transport for Porthole: TCP on an <see cref="EventLoop"/> instead of the framework's socket engine, so that a connection
/// can leave HTTP after a WebSocket upgrade and go on as a bare descriptor (<see cref="LoopConnection.LeaveHttpAsync"/>).
/// </summary>
/// <param name="loop">The loop that serves connections until they leave HTTP.</param>
/// <param name="certificate">What clients of a <see cref="TlsEndPoint"/> are shown; null when there is none.</param>
internal sealed class LoopTransportFactory(EventLoop loop, ServerCertificate? certificate) : IConnectionListenerFactory
{
    private readonly ConcurrentDictionary<string, bool> _tls = new();

    /// <summary>An address as the web host reports it, with the scheme that clients have to use.</summary>
    public string WithScheme(string address)
    {
        const string http = "http://";
        return address.StartsWith(http, StringComparison.Ordinal) && _tls.ContainsKey(address[http.Length..]) ? "https://" + address[http.Length..] : address;
    }

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

        if (endpoint is TlsEndPoint)
            _tls[socket.LocalEndPoint!.ToString()!] = true;
        return ValueTask.FromResult<IConnectionListener>(new LoopListener(loop, socket, endpoint is TlsEndPoint ? certificate : null));
    }
}
