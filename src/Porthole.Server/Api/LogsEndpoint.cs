using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Sandboxes;
using Porthole.Server.Audit;
using Porthole.Server.Sessions;
using Porthole.Server.Store;

namespace Porthole.Server.Api;

/// <summary>
/// GET /porthole/v1/logs: what a session's agent printed, the bytes as they are, and with <c>follow=true</c> what it prints until it ends.
/// <c>runtime</c> is an ARN, <c>qualifier</c> an endpoint, <c>sessionId</c> a session: the newest one when it is left out.
/// </summary>
internal sealed class LogsEndpoint(SessionManager sessions)
{
    private const uint LinkStream = 1, CreditBytes = 256 * 1024;

    public async Task HandleAsync(HttpContext context, AdminRequest request)
    {
        var target = request.Target;
        var session = Find(target);
        ApiCall.Of(context).SessionId = session.Key.SessionId;
        ApiCall.Of(context).ResourceArn = session.Deployment.Runtime.Arn.ToString();
        try
        {
            await session.ReadyAsync().WaitAsync(context.RequestAborted);
            await using var lane = await GuestLane.OpenAsync(session, context.RequestAborted);
            lane.Demand(LinkHello.AgentVersion);
            await lane.SendAsync(new AttachAgent(0, CreditBytes, 0, null).Write(new LinkWriter(), LinkStream).ToArray(), context.RequestAborted);
            context.Response.Headers[SessionId.HeaderName] = session.Key.SessionId;
            context.Response.ContentType = "text/plain; charset=utf-8";
            context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
            await RelayAsync(lane, context.Response.Body, Parameter(target, "follow") == "true", context.RequestAborted);
        }
        catch (Exception e) when (e is IOException or SocketException or SandboxException or LinkProtocolException && !context.Response.HasStarted)
        {
            throw new AwsException(AwsError.RuntimeFailed("The session has ended: " + e.Message));
        }
        catch (Exception e) when (e is IOException or SocketException or LinkProtocolException)
        {
            // The session has ended, and its log with it.
            await WriteLineAsync(context.Response.Body, "the session has ended", context.RequestAborted);
        }
    }

    private static async Task RelayAsync(GuestLane lane, Stream output, bool follow, CancellationToken cancellationToken)
    {
        var link = new LinkWriter();
        var (offset, end) = (0L, long.MaxValue);
        while (follow || offset < end)
        {
            var (frame, payload) = await lane.ReceiveAsync(cancellationToken);
            if (frame.Stream != LinkStream)
                continue;
            switch (frame.Type)
            {
                case LinkFrameType.AgentAttached:
                    var attached = AgentAttached.Read(payload.Span);
                    (offset, end) = (attached.StartOffset, Math.Min(end, attached.EndOffset));
                    if (attached.Dropped > 0)
                        await WriteLineAsync(output, string.Create(CultureInfo.InvariantCulture, $"{attached.Dropped} bytes are gone"), cancellationToken);
                    else
                        await output.FlushAsync(cancellationToken);
                    break;
                case LinkFrameType.Output:
                    offset += payload.Length;
                    await output.WriteAsync(payload, cancellationToken);
                    await lane.SendAsync(LinkSmallFrames.WriteCredit(link, LinkStream, (uint)payload.Length).ToArray(), cancellationToken);
                    break;
                case LinkFrameType.Exited when follow:
                    var exit = ProcessExit.Read(payload.Span);
                    var how = exit.Signal == 0 ? $"exit code {exit.Code}" : $"signal {exit.Signal}";
                    await WriteLineAsync(output, $"the agent has ended with {how}", cancellationToken);
                    return;
                case LinkFrameType.Exited or LinkFrameType.Failed:
                    return;
            }
        }
    }

    // Told apart from what the agent printed, which may end in the middle of a line.
    private static async Task WriteLineAsync(Stream output, string words, CancellationToken cancellationToken) =>
        await output.WriteAsync(Encoding.UTF8.GetBytes($"\n[porthole: {words}]\n"), cancellationToken);

    private Session Find(RequestTarget target)
    {
        if (!RuntimeArn.TryParse(Parameter(target, "runtime") ?? "", out var arn))
            throw new AwsException(AwsError.InvalidField("runtime", "runtime is required and must be a runtime's ARN."));
        var qualifier = Parameter(target, "qualifier") ?? AgentRuntime.DefaultEndpoint;
        var sessionId = Parameter(target, "sessionId");
        return sessions.List().Where(session => session.Key.RuntimeId == arn.Id && session.Key.Qualifier == qualifier && (sessionId is null || session.Key.SessionId == sessionId))
            .MaxBy(session => session.Record.StartedAt)
            ?? throw new AwsException(AwsError.NotFound(sessionId is null
                ? "The runtime has no session now, and a session's log goes with it."
                : $"Session '{sessionId}' does not exist or has already ended, and its log with it."));
    }

    private static string? Parameter(RequestTarget target, string name) =>
        target.Query.TryGetOnly(name, out var value) ? value : throw new AwsException(AwsError.InvalidField(name, $"{name} was given more than once."));
}
