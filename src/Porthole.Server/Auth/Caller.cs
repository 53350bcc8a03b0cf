namespace Porthole.Server.Auth;

/// <summary>Who made a request, as a signature proves it.</summary>
/// <param name="AccessKeyId">The access key.</param>
/// <param name="SignedHeaders">Lower-case names of the headers that the signature covers.</param>
/// <param name="Presigned">Whether the signature was in the query.</param>
public sealed record Caller(string AccessKeyId, IReadOnlyList<string> SignedHeaders, bool Presigned)
{
    /// <summary>
    /// Whether the signature covers a header. Others could have been changed on the way, so they may select among what is the caller's
    /// own, but grant nothing.
    /// </summary>
    /// <param name="header">The name in any case.</param>
    public bool Signed(string header) => SignedHeaders.Contains(header, StringComparer.OrdinalIgnoreCase);
}
