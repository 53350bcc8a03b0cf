using System.Net;

namespace Porthole.Sandboxes.Images;

/// <summary>What is known of a registry by its name alone.</summary>
public static class Registry
{
    /// <summary>Whether a registry (HOST or HOST:PORT) is on loopback, where nobody else listens and TLS is not asked for.</summary>
    public static bool IsLoopback(string registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        var host = registry.StartsWith('[') && registry.IndexOf(']', StringComparison.Ordinal) is var end and > 0 ? registry[1..end] : registry.Split(':')[0];
        return host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
    }
}
