using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Porthole.Protocol.Aws;

/// <summary>Verifies signatures of requests to this service, with the liberties about the host that the official clients need.</summary>
/// <param name="region">The region that this server serves.</param>
/// <param name="time">The server's clock.</param>
/// <param name="secretOf">Finds the secret of an access key id, or null when there is no such key. Called from any thread.</param>
/// <param name="service">The service's signing name.</param>
public sealed class SigV4Verifier(string region, TimeProvider time, Func<string, string?> secretOf, string service = RuntimeArn.Service)
{
    /// <summary>Largest difference between a client's clock and the server's.</summary>
    public static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(5);

    /// <summary>Verifies a request.</summary>
    /// <param name="request">The request as it arrived.</param>
    /// <param name="bodySha256">Hex SHA-256 of the body that arrived: <see cref="SigV4.EmptySha256"/> for an upgrade.</param>
    /// <param name="listeningPort">The port that the client connected to, which some clients sign without sending it; null when unknown.</param>
    public SigV4Result Verify(SigV4Request request, string bodySha256, int? listeningPort)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (SigV4Authorization.Read(request, out var authorization) is { } unreadable) return unreadable;
        if (CheckScope(authorization!.Scope) is { } wrongScope) return wrongScope;
        if (CheckTime(authorization) is { } wrongTime) return wrongTime;
        if (CheckPayload(request, authorization, bodySha256, out var payloadHash) is { } wrongBody) return wrongBody;
        if (authorization.SignedHeaders.FirstOrDefault(name => request.Header(name) is null) is { } absent)
            return new SigV4Result.Malformed($"the signed header '{absent}' did not arrive");
        if (secretOf(authorization.AccessKeyId) is not { } secret) return new SigV4Result.UnknownAccessKey(authorization.AccessKeyId);
        return CheckSignature(request, authorization, payloadHash, secret, listeningPort);
    }

    private SigV4Result.WrongScope? CheckScope(SigV4Scope scope)
    {
        if (scope.Region != region) return new SigV4Result.WrongScope("region", region, scope.Region);
        return scope.Service == service ? null : new SigV4Result.WrongScope("service", service, scope.Service);
    }

    private SigV4Result? CheckTime(SigV4Authorization authorization)
    {
        var now = time.GetUtcNow();
        if (authorization.Expires is not { } life)
            return (now - authorization.SignedAt).Duration() > MaxSkew ? new SigV4Result.Skewed(authorization.SignedAt, now) : null;
        if (life < TimeSpan.FromSeconds(1) || life > SigV4Signer.MaxExpires) return new SigV4Result.BadLifetime(life);
        if (authorization.SignedAt - now > MaxSkew) return new SigV4Result.Skewed(authorization.SignedAt, now);
        var end = authorization.SignedAt + life;
        return now > end ? new SigV4Result.Expired(end, now) : null;
    }

    private static SigV4Result? CheckPayload(SigV4Request request, SigV4Authorization authorization, string bodySha256, out string payloadHash)
    {
        payloadHash = bodySha256;
        if (request.Header(SigV4.ContentSha256Header) is not { } declared) return null;
        if (declared == SigV4.UnsignedPayload)
        {
            if (!authorization.SignedHeaders.Contains(SigV4.ContentSha256Header))
                return new SigV4Result.Malformed($"{SigV4.ContentSha256Header} is {SigV4.UnsignedPayload} but not among the signed headers");
            payloadHash = declared;
            return null;
        }

        return string.Equals(declared, bodySha256, StringComparison.Ordinal) ? null : new SigV4Result.BodyMismatch(declared, bodySha256);
    }

    private static SigV4Result CheckSignature(
        SigV4Request request, SigV4Authorization authorization, string payloadHash, string secret, int? listeningPort)
    {
        var wireHost = request.Header("host")!;
        string? wireHash = null;
        foreach (var host in HostsToTry(wireHost, listeningPort))
        {
            var canonical = SigV4.CanonicalRequest(request, authorization.SignedHeaders, host, payloadHash);
            var hash = SigV4.Sha256Hex(Encoding.UTF8.GetBytes(canonical));
            wireHash ??= hash;
            var signature = SigV4.Sign(secret, authorization.Time, authorization.Scope, hash);
            if (CryptographicOperations.FixedTimeEquals(signature, authorization.Signature))
                return new SigV4Result.Valid(authorization.AccessKeyId, authorization.SignedHeaders, authorization.Expires is not null);
        }

        return new SigV4Result.SignatureMismatch(wireHash!, wireHost);
    }

    // Some clients strip the port from what they sign but not from what they send, others the other way round.
    private static IEnumerable<string> HostsToTry(string wireHost, int? listeningPort)
    {
        yield return wireHost;
        var colon = wireHost.LastIndexOf(':');
        if (colon > wireHost.LastIndexOf(']')) yield return wireHost[..colon];
        else if (listeningPort is { } port) yield return string.Create(CultureInfo.InvariantCulture, $"{wireHost}:{port}");
    }
}
