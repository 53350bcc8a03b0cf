using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Logging;
using Porthole.Sandboxes.Images;
using Porthole.Server.Sessions;

namespace Porthole.Server.Agents;

/// <summary>Makes the agents of sessions.</summary>
internal sealed class AgentFactory(ServerOptions options, IServer server, ILogger<SessionAgent> log)
{
    /// <summary>The agent of a session; null when its runtime has none.</summary>
    /// <param name="session">The session.</param>
    /// <param name="image">Its image, which may have a program to run.</param>
    public SessionAgent? For(Session session, PreparedImage image) =>
        AgentProgram.Of(session.Deployment, session.Key.SessionId, image, ServerUrl()) is { } program
            ? new SessionAgent(session, AgentContract.Of(session.Deployment.Configuration), program, options.Agents, log)
            : null;

    // Where the server really listens, once it does: port 0 in the settings stands for another one.
    private string ServerUrl() => (server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? options.ListenUrls[0]).TrimEnd('/');
}
