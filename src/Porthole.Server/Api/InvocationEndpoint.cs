using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Agents;
using Porthole.Server.Audit;

namespace Porthole.Server.Api;

/// <summary>
/// POST /runtimes/{rt}/invocations: the body goes to the session's agent and its answer to the client, both as they come (contract section 9.1).
/// And the description of an A2A agent, which it answers itself.
/// </summary>
internal sealed class InvocationEndpoint(AgentCalls agents, ServerOptions options, ILogger<InvocationEndpoint> log)
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>InvokeAgentRuntime.</summary>
    public Task InvokeAsync(HttpContext context, DataPlaneRequest request, InvocationBody body) => AskAsync(context, request, agent =>
    {
        var message = new HttpRequestMessage(HttpMethod.Post, agent.Contract.Address(agent.Contract.InvocationPath)) { Content = new StreamContent(body.Read, BufferBytes) };
        message.Content.Headers.ContentLength = body.Length;
        if (context.Request.ContentType is { Length: > 0 } type)
            message.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (context.Request.Headers.ContentEncoding is { Count: > 0 } encoding)
            message.Content.Headers.TryAddWithoutValidation("Content-Encoding", (IEnumerable<string?>)encoding);
        return message;
    }, () => body.Failure);

    /// <summary>GetAgentCard.</summary>
    public Task GetCardAsync(HttpContext context, DataPlaneRequest request)
    {
        if (AgentContract.Of(request.Deployment.Configuration).CardPath is null)
            throw new AwsException(AwsError.ResourceState("Only a runtime whose protocol is A2A has an agent card."));
        return AskAsync(context, request, agent => new HttpRequestMessage(HttpMethod.Get, agent.Contract.Address(agent.Contract.CardPath!)), () => null);
    }

    private async Task AskAsync(HttpContext context, DataPlaneRequest request, Func<SessionAgent, HttpRequestMessage> make, Func<AwsError?> refused)
    {
        var sessionId = request.SessionIdOf(context) ?? SessionId.NewId();
        ApiCall.Of(context).SessionId = sessionId;
        var session = agents.SessionOf(request, sessionId);
        using var activity = session.BeginActivity(isRequest: true);
        var agent = await AgentCalls.ReadyAsync(session, context.RequestAborted);
        using var message = make(agent);
        AgentHeaders.CopyInward(context, request, sessionId, message.Headers);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        late.CancelAfter(options.Agents.StreamTimeout);
        try
        {
            using var answer = await agents.SendAsync(agent, message, request.Id, late.Token);
            context.Response.StatusCode = (int)answer.StatusCode;
            AgentHeaders.CopyOutward(answer, sessionId, context.Response);
            await RelayAsync(context, request, answer, late.Token);
        }
        catch (AwsException) when (refused() is { } error)
        {
            throw new AwsException(error);
        }
    }

    // Each piece goes out when it comes: an event of a stream is not held back for the next one.
    private async Task RelayAsync(HttpContext context, DataPlaneRequest request, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await context.Response.StartAsync(cancellationToken);
            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            for (int count; (count = await body.ReadAsync(buffer.AsMemory(0, BufferBytes), cancellationToken)) > 0;)
                await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException && !context.RequestAborted.IsCancellationRequested)
        {
            // The answer has begun, so no error can be told any more; a client sees that it was cut off.
            AgentLog.BrokeOff(log, request.Id, e is OperationCanceledException ? "its time was up" : e.GetBaseException().Message);
            context.Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
