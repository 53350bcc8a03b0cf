using Porthole.Protocol.Shells;
using Header = System.Collections.Generic.KeyValuePair<string, string>;

namespace Porthole.Client;

// The agents of sessions: what they are asked and what they print.
public sealed partial class AgentCoreClient
{
    /// <summary>Asks a session's agent, starting both when they are not there. The answer is returned when it begins.</summary>
    /// <param name="runtimeArn">The runtime's ARN.</param>
    /// <param name="payload">What the agent gets, up to 100,000,000 bytes.</param>
    /// <param name="options">The session, and what the payload is.</param>
    /// <param name="cancellation">Breaks it off.</param>
    /// <returns>The answer; read it to its end, and dispose it.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message (424: the agent failed), or cannot be reached.</exception>
    public async Task<AgentAnswer> InvokeAsync(string runtimeArn, ReadOnlyMemory<byte> payload, InvokeOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new InvokeOptions();
        CheckSessionId(options.SessionId);
        var sessionId = options.SessionId ?? SessionId.NewId();
        List<Header> headers = [new(SessionId.HeaderName, sessionId)];
        if (options.Accept is { } accept) headers.Add(new("Accept", accept));
        var uri = RuntimeUri(runtimeArn, "/invocations", Qualifier(options.Qualifier));
        var response = await SendAsync(HttpMethod.Post, uri, RegionOf(runtimeArn), headers, payload.ToArray(), cancellation, options.ContentType).ConfigureAwait(false);
        return await AnswerAsync(response, sessionId, cancellation).ConfigureAwait(false);
    }

    /// <summary>Reads what a session's agent has printed, on both of its outputs. Only on Porthole: AWS has CloudWatch for it.</summary>
    /// <param name="runtimeArn">The runtime's ARN.</param>
    /// <param name="sessionId">The session; null for the runtime's newest.</param>
    /// <param name="follow">Whether to go on with what it prints from now on, until it ends.</param>
    /// <param name="qualifier">The runtime's endpoint; null for <c>DEFAULT</c>.</param>
    /// <param name="cancellation">Stops.</param>
    /// <returns>The log's bytes as an answer's body.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is no such session), or cannot be reached.</exception>
    public async Task<AgentAnswer> ReadAgentLogAsync(
        string runtimeArn, string? sessionId = null, bool follow = false, string? qualifier = null, CancellationToken cancellation = default)
    {
        CheckSessionId(sessionId);
        List<Header> query = [new("runtime", runtimeArn), new("follow", follow ? "true" : "false"), .. Qualifier(qualifier)];
        if (sessionId is not null) query.Add(new("sessionId", sessionId));
        var uri = ServerUri(RegionOf(runtimeArn), "/porthole/v1/logs" + Search(query));
        var response = await SendAsync(HttpMethod.Get, uri, RegionOf(runtimeArn), [], null, cancellation).ConfigureAwait(false);
        return await AnswerAsync(response, sessionId ?? "", cancellation).ConfigureAwait(false);
    }

    private static async Task<AgentAnswer> AnswerAsync(HttpResponseMessage response, string sessionId, CancellationToken cancellation)
    {
        try
        {
            var confirmed = response.Headers.TryGetValues(SessionId.HeaderName, out var values) ? values.First() : sessionId;
            return new AgentAnswer(response, await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false), confirmed);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
