using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Porthole.Server.Transport;

namespace Porthole.Server;

/// <summary>Addresses that a server can listen on.</summary>
internal static class ListenAddress
{
    /// <summary>Whether clients of an address speak TLS.</summary>
    public static bool IsTls(string url) => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    /// <summary>The host that is listened on; null for all.</summary>
    public static string? HostOf(string url) => Parse(url) is { HostNameType: not UriHostNameType.Unknown } uri && !url.Contains("//*") && !url.Contains("//+") ? uri.IdnHost : null;

    /// <summary>Has a server listen on an address, as the web host does with those of plain http.</summary>
    public static void Listen(KestrelServerOptions kestrel, string url)
    {
        var uri = Parse(url)!;
        if (HostOf(url) == "localhost")
        {
            foreach (var loopback in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback }.Where(static address => address.Equals(IPAddress.Loopback) || Socket.OSSupportsIPv6))
                kestrel.Listen(EndPoint(url, loopback, uri.Port));
        }
        else
        {
            kestrel.Listen(EndPoint(url, IPAddress.TryParse(HostOf(url), out var address) ? address : IPAddress.IPv6Any, uri.Port));
        }
    }

    private static IPEndPoint EndPoint(string url, IPAddress address, int port) => IsTls(url) ? new TlsEndPoint(address, port) : new IPEndPoint(address, port);

    /// <summary>Whether the web host can make sense of it; what it cannot, it reports by stack traces of its own.</summary>
    public static bool IsValid(string url) => Parse(url) is { Scheme: "http" or "https", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" };

    // '*' and '+' stand for all interfaces to the web host; no URL has them.
    private static Uri? Parse(string url) =>
        Uri.TryCreate(url.Replace("//*", "//[::]", StringComparison.Ordinal).Replace("//+", "//[::]", StringComparison.Ordinal), UriKind.Absolute, out var uri) ? uri : null;
}
