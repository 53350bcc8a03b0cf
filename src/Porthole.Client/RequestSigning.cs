using Porthole.Protocol.Aws;
using Header = System.Collections.Generic.KeyValuePair<string, string>;

namespace Porthole.Client;

/// <summary>Puts a client's identity into a request, in headers or in the query.</summary>
internal static class RequestSigning
{
    /// <summary>The headers to send: those given, and those that say who asks.</summary>
    /// <param name="authentication">Who asks.</param>
    /// <param name="method">The verb.</param>
    /// <param name="uri">The whole address; http, https, ws or wss.</param>
    /// <param name="region">The region to sign for.</param>
    /// <param name="headers">The request's own headers; all of them are signed.</param>
    /// <param name="payloadHash">Hex SHA-256 of the body.</param>
    /// <param name="now">The time of signing.</param>
    internal static IReadOnlyList<Header> Headers(
        ClientAuthentication authentication, string method, Uri uri, string region, IEnumerable<Header> headers, string payloadHash, DateTimeOffset now)
    {
        if (authentication.BearerToken is { } token)
            return [.. headers, new("Authorization", $"Bearer {token()}")];

        Header[] own = [.. headers, new(SigV4.ContentSha256Header, payloadHash)];
        var request = new SigV4Request(method, Target(uri), [new("Host", HostOf(uri)), .. own]);
        return [.. own, .. Signer(authentication, region).SignHeaders(request, payloadHash, now)];
    }

    /// <summary>The same address with the identity in its query. The session id has to be in the query too, because no header is signed.</summary>
    internal static Uri Presign(ClientAuthentication authentication, Uri uri, string region, TimeSpan expires, DateTimeOffset now)
    {
        // The official SDKs sign the name without the port, so that the URL also works through a proxy on another one.
        var request = new SigV4Request("GET", Target(uri), [new("Host", uri.IdnHost)]);
        var target = Signer(authentication, region).Presign(request, expires, now);
        return new Uri(uri.GetLeftPart(UriPartial.Authority) + target);
    }

    private static SigV4Signer Signer(ClientAuthentication authentication, string region) =>
        authentication.Credentials is { } credentials
            ? new SigV4Signer(credentials(), region)
            : throw new AgentCoreException("Only an access key can sign a URL; this client has a bearer token.");

    // What HttpClient will write: the port only where it is not the scheme's own.
    private static string HostOf(Uri uri) => uri.IsDefaultPort ? BracketedHost(uri) : $"{BracketedHost(uri)}:{uri.Port}";

    private static string BracketedHost(Uri uri) => uri.HostNameType == UriHostNameType.IPv6 ? uri.Host : uri.IdnHost;

    private static RequestTarget Target(Uri uri) =>
        RequestTarget.TryParse(uri.PathAndQuery, out var target)
            ? target
            : throw new AgentCoreException($"The address {uri} is no valid percent-encoding of UTF-8.");
}
