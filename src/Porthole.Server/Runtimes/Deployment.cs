using Porthole.Server.Store;

namespace Porthole.Server.Runtimes;

/// <summary>What a request reaches: a runtime, through an endpoint, in a version. A session keeps the one that it was made of.</summary>
/// <param name="Runtime">The runtime.</param>
/// <param name="Endpoint">The endpoint's name, the wire's <c>qualifier</c>.</param>
/// <param name="Version">The version that new sessions of the endpoint get.</param>
public sealed record Deployment(AgentRuntime Runtime, string Endpoint, RuntimeVersion Version)
{
    /// <summary>What the version is.</summary>
    public RuntimeConfiguration Configuration => Version.Configuration;
}
