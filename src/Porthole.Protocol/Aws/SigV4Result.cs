namespace Porthole.Protocol.Aws;

/// <summary>What verifying a signature came to.</summary>
public abstract record SigV4Result
{
    private SigV4Result()
    {
    }

    /// <summary>The signature is right.</summary>
    /// <param name="AccessKeyId">Who signed.</param>
    /// <param name="SignedHeaders">Lower-case names of the headers that the signature covers; others could have been changed on the way.</param>
    /// <param name="Presigned">Whether the signature was in the query, which covers all of the query.</param>
    public sealed record Valid(string AccessKeyId, IReadOnlyList<string> SignedHeaders, bool Presigned) : SigV4Result;

    /// <summary>The request is not signed.</summary>
    public sealed record Missing : SigV4Result;

    /// <summary>The signature cannot be read.</summary>
    /// <param name="Problem">What is wrong, as the middle of a sentence.</param>
    public sealed record Malformed(string Problem) : SigV4Result;

    /// <summary>Nobody has this access key.</summary>
    /// <param name="AccessKeyId">The key that the client names.</param>
    public sealed record UnknownAccessKey(string AccessKeyId) : SigV4Result;

    /// <summary>Signed for another region or service.</summary>
    /// <param name="Part"><c>region</c> or <c>service</c>.</param>
    /// <param name="Expected">What this server serves.</param>
    /// <param name="Actual">What the client signed for.</param>
    public sealed record WrongScope(string Part, string Expected, string Actual) : SigV4Result;

    /// <summary>The client's clock and the server's differ by more than <see cref="SigV4Verifier.MaxSkew"/>.</summary>
    /// <param name="SignedAt">The client's time.</param>
    /// <param name="Now">The server's time.</param>
    public sealed record Skewed(DateTimeOffset SignedAt, DateTimeOffset Now) : SigV4Result;

    /// <summary>A presigned URL is past its life.</summary>
    /// <param name="ExpiredAt">The end of its life.</param>
    /// <param name="Now">The server's time.</param>
    public sealed record Expired(DateTimeOffset ExpiredAt, DateTimeOffset Now) : SigV4Result;

    /// <summary>A presigned URL asks for a life that is not 1 s to <see cref="SigV4Signer.MaxExpires"/>.</summary>
    /// <param name="Expires">The life it asks for.</param>
    public sealed record BadLifetime(TimeSpan Expires) : SigV4Result;

    /// <summary>The body is not the one that the client hashed.</summary>
    /// <param name="Declared">The hash in <c>x-amz-content-sha256</c>.</param>
    /// <param name="Actual">The hash of the body that arrived.</param>
    public sealed record BodyMismatch(string Declared, string Actual) : SigV4Result;

    /// <summary>The signature is wrong: another secret, or something changed the request on its way.</summary>
    /// <param name="CanonicalRequestSha256">Hash of the canonical request with <paramref name="Host"/>, to compare with the client's debug log.</param>
    /// <param name="Host">The host on the wire.</param>
    public sealed record SignatureMismatch(string CanonicalRequestSha256, string Host) : SigV4Result;
}
