using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Agents;
using Porthole.Server.Audit;
using Porthole.Server.Auth;
using Porthole.Server.Shells;

namespace Porthole.Server.Api;

/// <summary>GET /runtimes/{rt}/ws: a WebSocket to the agent's own (contract section 9.3). The client gets its 101 when the agent has given one.</summary>
internal sealed class AgentSocketEndpoint(
    AgentCalls agents, ServerOptions options, CallerConnections callers, IHostApplicationLifetime lifetime, ILogger<AgentSocketEndpoint> log)
{
    public async Task HandleAsync(HttpContext context, DataPlaneRequest request)
    {
        var sessionId = request.SessionIdOf(context) ?? SessionId.NewId();
        ApiCall.Of(context).SessionId = sessionId;
        var key = WebSocketHandshake.Check(context);
        if (AgentContract.Of(request.Deployment.Configuration).SocketPath is null)
            throw new AwsException(AwsError.ResourceState("Only a runtime whose protocol is HTTP or AGUI has a WebSocket."));
        var session = agents.SessionOf(request, sessionId);
        using var activity = session.BeginActivity(isRequest: true);
        var agent = await AgentCalls.ReadyAsync(session, context.RequestAborted);
        using var answer = await ConnectAsync(context, request, sessionId, agent);
        await using var agentStream = await answer.Content.ReadAsStreamAsync(context.RequestAborted);

        var response = context.Response.Headers;
        response.Upgrade = "websocket";
        response.SecWebSocketAccept = WebSocketHandshake.Accept(key);
        if (BearerToken.Answer(context.Request) is { } subprotocol)
            response.SecWebSocketProtocol = subprotocol;
        response[SessionId.HeaderName] = sessionId;
        await using var clientStream = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        ApiCall.Of(context).Answered(StatusCodes.Status101SwitchingProtocols);
        using var relay = new SocketRelay(clientStream, agentStream, options.Agents, options.Shells);
        using var open = callers.Add(request.Principal, () => relay.Close(ShellCloseCode.LimitReached, CallerConnections.Revoked));
        var end = await relay.RunAsync(lifetime.ApplicationStopping);
        AgentLog.SocketClosed(log, request.Id, end.Reason);
    }

    private async Task<HttpResponseMessage> ConnectAsync(HttpContext context, DataPlaneRequest request, string sessionId, SessionAgent agent)
    {
        var key = WebSocketHandshake.NewKey();
        using var message = new HttpRequestMessage(HttpMethod.Get, agent.Contract.Address(agent.Contract.SocketPath!));
        message.Headers.Connection.Add("Upgrade");
        message.Headers.Upgrade.ParseAdd("websocket");
        message.Headers.Add("Sec-WebSocket-Version", "13");
        message.Headers.Add("Sec-WebSocket-Key", key);
        AgentHeaders.CopyInward(context, request, sessionId, message.Headers);
        AgentHeaders.CopyQueryInward(request, message.Headers);
        var answer = await agents.SendAsync(agent, message, request.Id, context.RequestAborted);
        var isRight = answer.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols
            && answer.Headers.TryGetValues("Sec-WebSocket-Accept", out var accept) && accept.SingleOrDefault() == WebSocketHandshake.Accept(key)
            && !answer.Headers.Contains("Sec-WebSocket-Extensions") && !answer.Headers.Contains("Sec-WebSocket-Protocol");
        if (isRight)
            return answer;
        answer.Dispose();
        throw new AwsException(AwsError.RuntimeFailed($"The agent's {agent.Contract.SocketPath} did not answer as a WebSocket does, or agreed to what was not offered."));
    }
}
