using System.Net;
using System.Net.NetworkInformation;

namespace Porthole.Server.Tls;

/// <summary>What a certificate of the own authority is for.</summary>
internal static class CertificateNames
{
    // RFC 5280 does not limit a name, but DNS does (RFC 1035).
    private const int MaxNameLength = 253;

    /// <summary>This host's names, the hosts that are listened on, AWS's own names in the region (contract section 13), and what the settings add.</summary>
    public static IReadOnlyList<string> Of(ServerOptions options)
    {
        List<string> names = ["localhost", "127.0.0.1", "::1", Environment.MachineName];
        if (IPGlobalProperties.GetIPGlobalProperties().DomainName is { Length: > 0 } domain && domain != "(none)") names.Add($"{Environment.MachineName}.{domain}");
        names.AddRange(options.ListenUrls.Select(ListenAddress.HostOf).OfType<string>());

        // Official clients that take no other address than AWS's are led here by DNS.
        foreach (var service in new[] { "bedrock-agentcore", "bedrock-agentcore-control" })
            names.Add($"{service}.{options.Region}.amazonaws.com");
        names.AddRange(options.Tls?.Names ?? []);
        return [.. names.Select(static name => name.ToLowerInvariant()).Where(IsName).Distinct()];
    }

    /// <summary>Whether a certificate can be for it.</summary>
    public static bool IsName(string name) => IPAddress.TryParse(name, out _)
        || (name.Length is > 0 and <= MaxNameLength && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '*' or '_') && Uri.CheckHostName(name.TrimStart('*', '.')) == UriHostNameType.Dns);
}
