using System.Globalization;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Link;
using Porthole.Sandboxes;
using Porthole.Server.Api;
using Porthole.Server.Sessions;

namespace Porthole.Server.Agents;

/// <summary>Gets a session's agent ready and asks it, with its failures as clients know them: 424, and never the agent's own words (contract section 7).</summary>
internal sealed class AgentCalls(SessionManager sessions, ServerOptions options, ILogger<AgentCalls> log)
{
    /// <summary>The agent of a session, which is made when need be; ready to be asked.</summary>
    /// <exception cref="AwsException">It cannot be had.</exception>
    public static async Task<SessionAgent> ReadyAsync(Session session, CancellationToken cancellationToken)
    {
        try
        {
            await session.ReadyAsync().WaitAsync(cancellationToken);
            var agent = session.Agent ?? throw new AgentFailedException(
                "This runtime has no agent: it is for shells and commands. Its image has no program to run, or it stands for the host's own tools.");
            await agent.ReadyAsync(cancellationToken);
            return agent;
        }
        catch (AgentFailedException e)
        {
            throw new AwsException(AwsError.RuntimeFailed(e.Message));
        }
        catch (Exception e) when (e is IOException or SandboxException or LinkProtocolException)
        {
            throw new AwsException(AwsError.RuntimeFailed("The session could not start: " + e.Message));
        }
    }

    /// <summary>Finds the session that a request names, or begins to make it.</summary>
    /// <exception cref="AwsException">It is starting for somebody else, or stopping.</exception>
    public Session SessionOf(DataPlaneRequest request, string sessionId) =>
        sessions.GetOrStart(request.KeyOf(sessionId), request.Deployment, request.Principal);

    /// <summary>Sends a request and waits for the head of the answer, which is of success or an upgrade.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="request">The request.</param>
    /// <param name="requestId">For the log.</param>
    /// <param name="cancellationToken">Breaks it off, also when the answer's body is under way.</param>
    /// <exception cref="AwsException">The agent did not answer, or refused.</exception>
    public async Task<HttpResponseMessage> SendAsync(SessionAgent agent, HttpRequestMessage request, string requestId, CancellationToken cancellationToken)
    {
        using var overdue = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        overdue.CancelAfter(options.Agents.RequestTimeout);
        HttpResponseMessage response;
        try
        {
            response = await SendAsync(agent, request, overdue.Token);
        }
        catch (AgentFailedException e)
        {
            throw new AwsException(AwsError.RuntimeFailed(e.Message));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            AgentLog.Failed(log, requestId, "no answer in time");
            throw new AwsException(AwsError.RuntimeFailed($"The agent did not answer within {options.Agents.RequestTimeout.TotalSeconds:0} s."));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            AgentLog.Failed(log, requestId, e.GetBaseException().Message);
            throw new AwsException(AwsError.RuntimeFailed("The agent broke the connection off, or did not answer in HTTP. Please check its log: porthole logs."));
        }

        if (response.IsSuccessStatusCode || response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols)
            return response;
        var status = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        response.Dispose();
        AgentLog.Failed(log, requestId, $"it answered with {status}");
        throw new AwsException(AwsError.RuntimeFailed($"Received error ({status}) from runtime. Please check your CloudWatch logs for more information."));
    }

    // Without a connection nothing of the request was sent, so it may be sent once more.
    private static async Task<HttpResponseMessage> SendAsync(SessionAgent agent, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await agent.Http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError)
        {
            await agent.ComeBackAsync(cancellationToken);
        }

        return await agent.Http.SendAsync(request, cancellationToken);
    }
}
