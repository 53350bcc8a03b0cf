using Porthole.EndToEnd.Tests.Harness;

[assembly: AssemblyFixture(typeof(SharedServer))]

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>One server with every limit of a shell as documented, for all tests that need no settings of their own; each uses a session of its own.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private TestServer? _server;

    internal TestServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync("""
        "idleTimeout": 20, "egress": false
        """);

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
