namespace Porthole.Protocol.Aws;

/// <summary>The parts of an HTTP request that a signature covers.</summary>
/// <param name="Method">The verb, upper-case.</param>
/// <param name="Target">The target as sent; its raw path and its query are signed.</param>
/// <param name="Headers">
/// Header lines in the order of the request, names in any case, <c>Host</c> among them. A signer signs all of them; a verifier looks at
/// those that the client says it signed.
/// </param>
public sealed record SigV4Request(string Method, RequestTarget Target, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    /// <summary>The value of a header, repeated lines joined by commas; null when there is none.</summary>
    /// <param name="name">The name in any case.</param>
    public string? Header(string name)
    {
        string? value = null;
        foreach (var (key, line) in Headers)
        {
            if (string.Equals(key, name, StringComparison.OrdinalIgnoreCase)) value = value is null ? line : $"{value},{line}";
        }

        return value;
    }
}
