using Microsoft.AspNetCore.Http;

namespace Porthole.Server.Auth;

/// <summary>The places in which a client puts a bearer token. The token itself is a secret: never log it or the headers it is in.</summary>
internal static class BearerToken
{
    /// <summary>The WebSocket subprotocol by which a browser, which cannot set headers, says that another one carries its token.</summary>
    internal const string Subprotocol = "base64UrlBearerAuthorization";

    /// <summary>Whether a request carries a bearer token.</summary>
    internal static bool IsPresent(HttpRequest request) =>
        request.Headers.Authorization.Any(static line => line?.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) == true)
        || request.Headers.SecWebSocketProtocol.Any(static line => line is not null && line.Split(',').Any(IsBearer));

    private static bool IsBearer(string subprotocol)
    {
        var name = subprotocol.AsSpan().Trim();
        return name.StartsWith(Subprotocol, StringComparison.Ordinal) && (name.Length == Subprotocol.Length || name[Subprotocol.Length] == '.');
    }
}
