using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Porthole.Server.Transport;

namespace Porthole.Server;

/// <summary>Where clients reach this server.</summary>
internal sealed class ServerAddresses(IServer server, LoopTransportFactory transport, ServerOptions options)
{
    /// <summary>Every address that is listened on, as http://HOST:PORT or https://HOST:PORT: once it is, with the port that 0 stood for.</summary>
    public IReadOnlyList<string> All => server.Features.Get<IServerAddressesFeature>()?.Addresses is { Count: > 0 } bound
        ? [.. bound.Select(transport.WithScheme).Select(WithName)]
        : options.ListenUrls;

    /// <summary>What clients are told of, without a slash at the end.</summary>
    public string ForClients => (options.PublicUrl?.GetLeftPart(UriPartial.Authority) ?? All[0]).TrimEnd('/');

    // No certificate is for the address that stands for all.
    private static string WithName(string address) => address
        .Replace("https://[::]:", "https://localhost:", StringComparison.Ordinal)
        .Replace("https://0.0.0.0:", "https://localhost:", StringComparison.Ordinal);
}
