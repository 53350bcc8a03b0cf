using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Porthole.Server.Transport;

namespace Porthole.Server;

/// <summary>Where clients reach this server.</summary>
internal sealed class ServerAddresses(IServer server, LoopTransportFactory transport, ServerOptions options)
{
    /// <summary>Every address that is listened on, as http://HOST:PORT or https://HOST:PORT: once it is, with the port that 0 stood for.</summary>
    public IReadOnlyList<string> All => server.Features.Get<IServerAddressesFeature>()?.Addresses is { Count: > 0 } bound
        ? [.. bound.Select(transport.WithScheme).Select(ForClients)]
        : options.ListenUrls;

    // No certificate is for the address that stands for all.
    private static string ForClients(string address) => address
        .Replace("https://[::]:", "https://localhost:", StringComparison.Ordinal)
        .Replace("https://0.0.0.0:", "https://localhost:", StringComparison.Ordinal);
}
