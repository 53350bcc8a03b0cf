using Porthole.Server.Runtimes;

namespace Porthole.Server.Agents;

/// <summary>Where an agent of a protocol listens and for what (contract section 9.2).</summary>
/// <param name="Port">The TCP port.</param>
/// <param name="InvocationPath">What an invocation is posted to.</param>
/// <param name="PingPath">What answers how it is; null when the protocol has no such thing, and an open port has to do.</param>
/// <param name="SocketPath">What takes WebSockets; null when the protocol has none.</param>
/// <param name="CardPath">What describes the agent; null when the protocol has no such thing.</param>
internal sealed record AgentContract(int Port, string InvocationPath, string? PingPath, string? SocketPath, string? CardPath)
{
    private static readonly AgentContract Http = new(8080, "/invocations", "/ping", "/ws", null);
    private static readonly AgentContract Mcp = new(8000, "/mcp", null, null, null);
    private static readonly AgentContract A2A = new(9000, "/", "/ping", null, "/.well-known/agent-card.json");

    /// <summary>The contract of a runtime's agent; AGUI's is that of HTTP.</summary>
    public static AgentContract Of(RuntimeConfiguration configuration) => configuration.ProtocolConfiguration?.ServerProtocol switch
    {
        "MCP" => Mcp,
        "A2A" => A2A,
        _ => Http,
    };

    /// <summary>The address of a path. Its host is the sandbox's own loopback.</summary>
    public Uri Address(string path) => new($"http://127.0.0.1:{Port}{path}");
}
