namespace Porthole.Protocol.Aws;

/// <summary>Signs requests as a client.</summary>
/// <param name="credentials">The access key.</param>
/// <param name="region">The region of the ARN.</param>
/// <param name="service">The service's signing name.</param>
public sealed class SigV4Signer(SigV4Credentials credentials, string region, string service = RuntimeArn.Service)
{
    /// <summary>Longest life of a presigned URL, which the official clients refuse to exceed.</summary>
    public static readonly TimeSpan MaxExpires = TimeSpan.FromSeconds(300);

    /// <summary>Signs in headers.</summary>
    /// <param name="request">The request; every header in it is signed, and <c>Host</c> has to be one of them.</param>
    /// <param name="payloadHash">Hex SHA-256 of the body: <see cref="SigV4.EmptySha256"/> without one.</param>
    /// <param name="now">The time of signing.</param>
    /// <returns>The header lines to add to the request.</returns>
    /// <exception cref="ArgumentException">There is no <c>Host</c> header.</exception>
    public IReadOnlyList<KeyValuePair<string, string>> SignHeaders(SigV4Request request, string payloadHash, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(request);
        var time = SigV4.FormatTime(now);
        var added = new List<KeyValuePair<string, string>> { new(SigV4.DateHeader, time) };
        if (credentials.SessionToken is { } token) added.Add(new(SigV4.SecurityTokenHeader, token));

        var complete = request with { Headers = [.. request.Headers, .. added] };
        var names = complete.Headers.Select(static header => header.Key.ToLowerInvariant()).Distinct().Order(StringComparer.Ordinal).ToArray();
        var scope = ScopeAt(time);
        var signature = Sign(complete, names, payloadHash, time, scope);
        added.Add(new(
            "Authorization",
            $"{SigV4.Algorithm} Credential={credentials.AccessKeyId}/{scope}, SignedHeaders={string.Join(';', names)}, Signature={signature}"));
        return added;
    }

    /// <summary>Signs in the query, for a URL that a browser or another program can open.</summary>
    /// <param name="request">The request; only <c>Host</c> among its headers is signed.</param>
    /// <param name="expires">Life of the URL, 1 s to <see cref="MaxExpires"/>.</param>
    /// <param name="now">The time of signing.</param>
    /// <returns>The request's raw target with the signature in its query.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The life is out of range.</exception>
    /// <exception cref="ArgumentException">There is no <c>Host</c> header.</exception>
    public string Presign(SigV4Request request, TimeSpan expires, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(expires, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(expires, MaxExpires);
        var time = SigV4.FormatTime(now);
        var scope = ScopeAt(time);
        List<string> query = [
            $"X-Amz-Algorithm={SigV4.Algorithm}",
            $"X-Amz-Credential={PercentEncoding.Encode($"{credentials.AccessKeyId}/{scope}")}",
            $"X-Amz-Date={time}",
            $"X-Amz-Expires={(int)expires.TotalSeconds}",
            "X-Amz-SignedHeaders=host",
        ];
        if (credentials.SessionToken is { } token) query.Add($"X-Amz-Security-Token={PercentEncoding.Encode(token)}");
        if (request.Target.RawQuery.Length > 0) query.Insert(0, request.Target.RawQuery);

        var rawTarget = $"{request.Target.RawPath}?{string.Join('&', query)}";
        if (!RequestTarget.TryParse(rawTarget, out var target)) throw new ArgumentException("The request's target cannot be read.", nameof(request));
        var signature = Sign(request with { Target = target }, ["host"], SigV4.EmptySha256, time, scope);
        return $"{rawTarget}&{SigV4.SignatureParameter}={signature}";
    }

    private SigV4Scope ScopeAt(string time) => new(time[..8], region, service);

    private string Sign(SigV4Request request, string[] signedHeaders, string payloadHash, string time, SigV4Scope scope)
    {
        var host = request.Header("host") ?? throw new ArgumentException("A signed request needs a Host header.", nameof(request));
        var canonical = SigV4.CanonicalRequest(request, signedHeaders, host, payloadHash);
        var hash = SigV4.Sha256Hex(System.Text.Encoding.UTF8.GetBytes(canonical));
        return Convert.ToHexStringLower(SigV4.Sign(credentials.SecretAccessKey, time, scope, hash));
    }
}
