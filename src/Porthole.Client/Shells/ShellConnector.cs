using System.Net.WebSockets;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Header = System.Collections.Generic.KeyValuePair<string, string>;

namespace Porthole.Client;

/// <summary>Opens sockets to one runtime's shells, each with a signature of its own.</summary>
internal sealed class ShellConnector(AgentCoreClient client, string runtimeArn, ShellOptions options)
{
    /// <summary>Life of a presigned handshake URL: it is used at once, so as short as clocks allow.</summary>
    private static readonly TimeSpan PresignedLife = SigV4Signer.MaxExpires;

    internal TimeProvider Time => client.Time;

    /// <summary>Connects and upgrades; nothing is received yet.</summary>
    /// <exception cref="AgentCoreException">The server refused, or cannot be reached.</exception>
    internal async Task<ShellSocket> ConnectAsync(string sessionId, string shellId, CancellationToken cancellation)
    {
        var (uri, headers) = Handshake(sessionId, shellId);
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.KeepAliveInterval = options.PingInterval;
            socket.Options.KeepAliveTimeout = options.PongTimeout;
            socket.Options.CollectHttpResponseDetails = true;
            foreach (var (name, value) in headers) socket.Options.SetRequestHeader(name, value);
            await socket.ConnectAsync(uri, client.Upgrades, cancellation).ConfigureAwait(false);
            return new ShellSocket(socket, Answered(socket, SessionId.HeaderName), Answered(socket, ShellId.HeaderName));
        }
        catch (WebSocketException e)
        {
            socket.Dispose();
            throw e.InnerException as AgentCoreException ?? AgentCoreClient.Unreachable(uri, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private (Uri Uri, IReadOnlyList<Header> Headers) Handshake(string sessionId, string shellId)
    {
        List<Header> query = [new(ShellId.QueryName, shellId)];
        if (options.Qualifier is { } qualifier) query.Add(new("qualifier", qualifier));
        if (options.Presigned) query.Add(new(SessionId.HeaderName, sessionId));

        var uri = AgentCoreClient.WebSocketUri(client.RuntimeUri(runtimeArn, "/ws/shells", query));
        var region = client.RegionOf(runtimeArn);
        var now = Time.GetUtcNow();
        if (options.Presigned) return (RequestSigning.Presign(client.Authentication, uri, region, PresignedLife, now), []);
        Header[] headers = [new(SessionId.HeaderName, sessionId)];
        return (uri, RequestSigning.Headers(client.Authentication, "GET", uri, region, headers, SigV4.EmptySha256, now));
    }

    private static string? Answered(ClientWebSocket socket, string header) =>
        socket.HttpResponseHeaders is { } headers && headers.TryGetValue(header, out var values) ? values.FirstOrDefault() : null;
}
