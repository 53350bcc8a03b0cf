namespace Porthole.Client;

/// <summary>Where an <see cref="AgentCoreClient"/> connects and as whom.</summary>
public sealed record AgentCoreClientOptions
{
    /// <summary>
    /// The data plane's address, http or https. Null: the environment's <c>AWS_ENDPOINT_URL_BEDROCK_AGENTCORE</c>,
    /// <c>BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT</c> or <c>PORTHOLE_ENDPOINT</c>, or else AWS's host of the region.
    /// </summary>
    public Uri? Endpoint { get; init; }

    /// <summary>
    /// The control plane's address. Null: that of <see cref="Endpoint"/> or <see cref="FindEndpoint"/>, as Porthole has both in one place, or the
    /// environment's <c>AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL</c> or <c>PORTHOLE_ENDPOINT</c>, or else AWS's host of the region.
    /// </summary>
    public Uri? ControlEndpoint { get; init; }

    /// <summary>
    /// Finds the address anew for every connection, for a server that may come back elsewhere; wins over <see cref="Endpoint"/>. Called from any
    /// thread.
    /// </summary>
    public Func<Uri>? FindEndpoint { get; init; }

    /// <summary>The region of requests that name no runtime. Null: <c>AWS_REGION</c>, <c>AWS_DEFAULT_REGION</c> or us-east-1. A runtime's ARN says its own.</summary>
    public string? Region { get; init; }

    /// <summary>Who asks; the environment's access key by default.</summary>
    public ClientAuthentication Authentication { get; init; } = ClientAuthentication.FromEnvironment;

    /// <summary>Last word on the connections, for a private certificate authority or a proxy. Called once.</summary>
    public Action<SocketsHttpHandler>? ConfigureConnections { get; init; }

    /// <summary>The clock of signatures and reconnects.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
