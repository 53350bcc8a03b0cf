using System.Buffers.Text;
using System.Text;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;

namespace Porthole.Server.Auth;

/// <summary>The places in which a client puts a bearer token (contract section 3.4). The token itself is a secret: never log it or the headers it is in.</summary>
internal static class BearerToken
{
    /// <summary>The WebSocket subprotocol by which a browser, which cannot set headers, says that another one carries its token.</summary>
    internal const string Subprotocol = "base64UrlBearerAuthorization";

    private const string Scheme = "Bearer ", SubprotocolPrefix = Subprotocol + ".";

    /// <summary>Whether a request carries a bearer token, whole or not.</summary>
    internal static bool IsPresent(HttpRequest request) =>
        request.Headers.Authorization.Any(static line => line?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true)
        || Offered(request).Any(static name => name == Subprotocol || name.StartsWith(SubprotocolPrefix, StringComparison.Ordinal));

    /// <summary>Whether a request carries a signature instead, in headers or in the query.</summary>
    internal static bool IsSigned(HttpRequest request, RequestTarget target) =>
        request.Headers.Authorization.Any(static line => line?.StartsWith("AWS4-", StringComparison.Ordinal) == true)
        || target.RawQuery.Contains("X-Amz-Signature=", StringComparison.Ordinal);

    /// <summary>Reads the token.</summary>
    /// <param name="request">The request.</param>
    /// <param name="problem">What is wrong with it when the result is null; null when there is none at all.</param>
    internal static string? Read(HttpRequest request, out string? problem)
    {
        problem = null;
        var lines = request.Headers.Authorization;
        var carriers = Offered(request).Where(static name => name.StartsWith(SubprotocolPrefix, StringComparison.Ordinal)).ToList();
        if (lines.Count + carriers.Count > 1)
        {
            problem = "The request has more than one token.";
            return null;
        }

        if (lines is [{ } line] && line.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return line[Scheme.Length..].Trim();
        return carriers is [var carrier] ? ReadCarrier(request, carrier, out problem) : null;
    }

    /// <summary>The subprotocol to answer an upgrade with; null for none. Clients fail when one that they did not offer is answered, and when none is.</summary>
    internal static string? Answer(HttpRequest request) => Offered(request).Contains(Subprotocol) ? Subprotocol : null;

    private static string? ReadCarrier(HttpRequest request, string carrier, out string? problem)
    {
        problem = Answer(request) is null ? $"The subprotocol '{Subprotocol}' has to be offered beside the one that carries the token." : null;
        if (problem is not null) return null;
        try
        {
            return Encoding.ASCII.GetString(Base64Url.DecodeFromChars(carrier.AsSpan(SubprotocolPrefix.Length)));
        }
        catch (FormatException)
        {
            problem = "The token in the subprotocol is not base64url.";
            return null;
        }
    }

    private static IEnumerable<string> Offered(HttpRequest request) =>
        request.Headers.SecWebSocketProtocol.SelectMany(static line => (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
