namespace Porthole.Protocol.Aws;

/// <summary>An operation of the data plane, known by the end of its path.</summary>
public enum DataPlaneOperation
{
    /// <summary>No data-plane path.</summary>
    None,

    /// <summary>POST <c>…/invocations</c>.</summary>
    InvokeAgentRuntime,

    /// <summary>POST <c>…/commands</c>.</summary>
    InvokeAgentRuntimeCommand,

    /// <summary>GET <c>…/ws/shells</c>, an upgrade.</summary>
    InvokeAgentRuntimeCommandShell,

    /// <summary>GET <c>…/ws</c>, an upgrade.</summary>
    InvokeAgentRuntimeWithWebSocketStream,

    /// <summary>POST <c>…/stopruntimesession</c>.</summary>
    StopRuntimeSession,

    /// <summary>GET <c>…/invocations/.well-known/agent-card.json</c>.</summary>
    GetAgentCard,

    /// <summary>GET <c>…/invocations/.well-known/oauth-protected-resource</c>.</summary>
    GetProtectedResourceMetadata,
}
