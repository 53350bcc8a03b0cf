using Microsoft.Extensions.Logging;
using Porthole.Sandboxes.Images;
using Porthole.Server.Sessions;

namespace Porthole.Server.Agents;

/// <summary>Makes the agents of sessions.</summary>
internal sealed class AgentFactory(ServerOptions options, ServerAddresses addresses, ILogger<SessionAgent> log)
{
    /// <summary>The agent of a session; null when its runtime has none.</summary>
    /// <param name="session">The session.</param>
    /// <param name="image">Its image, which may have a program to run.</param>
    public SessionAgent? For(Session session, PreparedImage image) =>
        AgentProgram.Of(session.Deployment, session.Key.SessionId, image, addresses.ForClients) is { } program
            ? new SessionAgent(session, AgentContract.Of(session.Deployment.Configuration), program, options.Agents, log)
            : null;
}
