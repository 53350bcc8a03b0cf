using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Protocol.Aws;

namespace Porthole.Server.Api;

/// <summary>The opening of a WebSocket (RFC 6455 section 4).</summary>
internal static class WebSocketHandshake
{
    // RFC 6455 section 1.3.
    private const string AcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Checks that a request opens one.</summary>
    /// <returns>Its key.</returns>
    /// <exception cref="AwsException">It does not.</exception>
    public static string Check(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true }
            || !headers.Upgrade.ToString().Contains("websocket", StringComparison.OrdinalIgnoreCase))
            throw new AwsException(AwsError.CannotParse("This operation is a WebSocket: send 'Connection: Upgrade' and 'Upgrade: websocket'."));
        if (headers.SecWebSocketVersion != "13")
            throw new AwsException(AwsError.CannotParse("Only WebSocket version 13 is spoken here (Sec-WebSocket-Version)."));
        var key = headers.SecWebSocketKey.ToString();
        Span<byte> nonce = stackalloc byte[18];
        if (key.Length != 24 || !Convert.TryFromBase64String(key, nonce, out var bytes) || bytes != 16)
            throw new AwsException(AwsError.CannotParse("Sec-WebSocket-Key is not 16 bytes in base64."));
        return key;
    }

    /// <summary>A key for a request of our own.</summary>
    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));

    /// <summary>What answers a key.</summary>
    public static string Accept(string key)
    {
#pragma warning disable CA5350 // RFC 6455 names SHA-1 here; nothing secret depends on it.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptSuffix)));
#pragma warning restore CA5350
    }
}
