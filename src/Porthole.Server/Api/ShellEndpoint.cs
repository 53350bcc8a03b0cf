using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Audit;
using Porthole.Server.Auth;
using Porthole.Server.Sessions;
using Porthole.Server.Shells;
using Porthole.Server.Store;
using Porthole.Server.Telemetry;
using Porthole.Server.Transport;
using ShellConnection = Porthole.Server.Shells.ShellConnection;

namespace Porthole.Server.Api;

/// <summary>
/// GET /runtimes/{rt}/ws/shells. In this order: everything that can be refused is refused with an HTTP status; then the 101;
/// then the session is started if need be; then the relay takes over (contract section 4.2).
/// </summary>
internal sealed class ShellEndpoint(
    ServerOptions options, SessionManager sessions, PortholeStore store, RelayLoops loops, CallerConnections callers, AuditTrail audit, ShellTraffic traffic,
    TimeProvider time, ILogger<ShellEndpoint> log)
{
    // Offered together with a signature by one official client, which fails when it is not echoed (contract section 3.4).
    private const string CommandProtocol = "v1.command.agentcore.aws.dev";

    public async Task HandleAsync(HttpContext context, DataPlaneRequest request)
    {
        var sessionId = request.SessionIdOf(context) ?? SessionId.NewId();
        var shellId = ShellIdOf(request) ?? ShellId.NewId();
        var call = ApiCall.Of(context);
        (call.SessionId, call.ShellId) = (sessionId, shellId);
        var key = WebSocketHandshake.Check(context);

        var session = sessions.GetOrStart(request.KeyOf(sessionId), request.Deployment, request.Principal);
        using var activity = session.BeginActivity(isRequest: false);
        session.Shells.Claim(shellId);
        ShellConnection? connection = null;
        var exists = false;
        try
        {
            var socket = await UpgradeAsync(context, key, sessionId, shellId);
            connection = new ShellConnection(socket.Fd, socket.Tls, shellId, options.Shells, loops, log);
            traffic.Begin(connection);
            connection.Start(await socket.LeaveHttpAsync());
            call.Answered(StatusCodes.Status101SwitchingProtocols);
            using var open = callers.Add(request.Principal, () => connection.Close(ShellCloseCode.LimitReached, CallerConnections.Revoked, ConnectionEnd.KeyRevoked));
            var record = Record(context, request, sessionId, shellId);
            store.RecordConnection(record);
            using (var span = ShellSpans.Attaching(call))
                exists = await AttachAsync(session, connection);
            session.Shells.Release(shellId, connection, exists);
            var end = await connection.Ended;
            session.Shells.Detach(shellId, connection, end.ShellIsGone);
            store.RecordConnectionEnded(record.Id, end.End, end.CloseCode == ShellConnection.Dropped ? null : end.CloseCode, end.BytesIn, end.BytesOut);
            traffic.End(connection, end);
            audit.AddEnd(call, end);
            ShellSpans.Ended(call, end);
            ShellLog.Closed(log, shellId, sessionId, end.CloseCode, end.Reason);
        }
        finally
        {
            session.Shells.Release(shellId, connection, exists);
        }
    }

    private static string? ShellIdOf(DataPlaneRequest request)
    {
        if (!request.Target.Query.TryGetOnly(ShellId.QueryName, out var id))
            throw new AwsException(AwsError.InvalidField(ShellId.QueryName, "The shell id was given more than once."));
        return id is null || ShellId.IsValid(id) ? id : throw new AwsException(AwsError.InvalidField(ShellId.QueryName,
            $"A shell id is 1 to {ShellId.MaxLength} letters, digits, '-' and '_', beginning with a letter or digit."));
    }

    private static async Task<LoopConnection> UpgradeAsync(HttpContext context, string key, string sessionId, string shellId)
    {
        var response = context.Response.Headers;
        response.Upgrade = "websocket";
        response.SecWebSocketAccept = WebSocketHandshake.Accept(key);
        var offersCommands = context.Request.Headers.GetCommaSeparatedValues("Sec-WebSocket-Protocol").Contains(CommandProtocol);
        if ((BearerToken.Answer(context.Request) ?? (offersCommands ? CommandProtocol : null)) is { } subprotocol)
            response.SecWebSocketProtocol = subprotocol;
        response[SessionId.HeaderName] = sessionId;
        response[ShellId.HeaderName] = shellId;
        await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        return context.Features.GetRequiredFeature<LoopConnection>();
    }

    // True when the client was told that the shell is there.
    private async Task<bool> AttachAsync(Session session, ShellConnection connection)
    {
        try
        {
            var ready = session.ReadyAsync();
            await Task.WhenAny(ready, session.Stopping);
            if (ready.IsCompleted)
                await ready;
            var before = session.Shells.Attach(connection.ShellId, connection);
            if (session.State >= SessionState.Stopping)
            {
                // Whoever ends the session may have looked for its connections before this was one.
                before?.TakeAway("the session has ended");
                connection.TakeAway("the session has ended");
                return await connection.Confirmed;
            }

            if (before is not null)
            {
                // Its end fixes how much was delivered, from where the new client goes on.
                before.Close(ShellCloseCode.TakenOver, "another connection has attached to this shell", ConnectionEnd.TakenOver);
                await before.Left;
            }

            if (session.State != SessionState.Active)
            {
                // It is being suspended again already, maybe without having seen this connection.
                connection.Close(ShellCloseCode.ServerRestart, "the session is being suspended: connect again", ConnectionEnd.SessionSuspended);
                return await connection.Confirmed;
            }

            foreach (var evicted in session.Shells.TakeEvictions())
                await GuestShells.HangUpAsync(session, evicted, CancellationToken.None);
            if (!connection.IsWaiting)
                return false;
            var cursor = ShellCursor.Open(Path.Combine(session.Directory, "cursors", connection.ShellId));
            var lane = await OpenLaneAsync(session, cursor);
            connection.Attach(lane, cursor, ShellProgram.For(session, connection.ShellId));
        }
        catch (Exception e) when (e is IOException or Sandboxes.SandboxException or Protocol.Link.LinkProtocolException or TimeoutException)
        {
            ShellLog.AttachRefused(log, connection.ShellId, e.Message);
            connection.Fail(e.Message);
        }
        catch (Exception e)
        {
            // Whatever it is: the connection has to end before its socket may be closed by the caller.
            ShellLog.AttachFailed(log, connection.ShellId, e);
            connection.Fail("the server failed; its log has the reason");
        }

        return await connection.Confirmed;
    }

    private static async Task<Posix.Descriptor> OpenLaneAsync(Session session, ShellCursor cursor)
    {
        try
        {
            return await session.OpenLaneAsync(CancellationToken.None);
        }
        catch
        {
            cursor.Dispose();
            throw;
        }
    }

    private Store.ShellConnection Record(HttpContext context, DataPlaneRequest request, string sessionId, string shellId) => new()
    {
        RequestId = request.Id,
        Principal = request.Principal,
        RemoteAddress = $"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}",
        RuntimeId = request.Deployment.Runtime.Id,
        Qualifier = request.Deployment.Endpoint,
        SessionId = sessionId,
        ShellId = shellId,
        OpenedAt = time.GetUtcNow(),
    };
}
