using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Porthole.Protocol.Aws;

/// <summary>The arithmetic of AWS signature version 4, as the official clients do it for this service.</summary>
public static class SigV4
{
    /// <summary>The only algorithm.</summary>
    public const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>SHA-256 of no bytes: the payload hash of every GET.</summary>
    public const string EmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// <summary>The payload hash of a client that left the body out of the signature.</summary>
    public const string UnsignedPayload = "UNSIGNED-PAYLOAD";

    /// <summary>Carries the payload's hash; boto3 never sends it.</summary>
    public const string ContentSha256Header = "x-amz-content-sha256";

    /// <summary>Carries the time of signing.</summary>
    public const string DateHeader = "x-amz-date";

    /// <summary>Carries the token of temporary credentials.</summary>
    public const string SecurityTokenHeader = "x-amz-security-token";

    internal const string SignatureParameter = "X-Amz-Signature";

    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    /// <summary>Lower-case hex SHA-256 of a body, as signatures want it.</summary>
    public static string Sha256Hex(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));

    internal static string FormatTime(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    internal static bool TryParseTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    /// <summary>The text whose hash is signed.</summary>
    /// <param name="request">The request.</param>
    /// <param name="signedHeaders">Lower-case names in the order that the signature lists them.</param>
    /// <param name="host">The value of <c>host</c>, which need not be the one on the wire.</param>
    /// <param name="payloadHash">Hex SHA-256, or <see cref="UnsignedPayload"/>.</param>
    internal static string CanonicalRequest(SigV4Request request, IReadOnlyList<string> signedHeaders, string host, string payloadHash)
    {
        var text = new StringBuilder(1024);
        text.Append(request.Method).Append('\n');
        text.Append(CanonicalPath(request.Target.RawPath)).Append('\n');
        text.Append(CanonicalQuery(request.Target.Query)).Append('\n');
        foreach (var name in signedHeaders)
        {
            var value = name == "host" ? host : request.Header(name) ?? "";
            text.Append(name).Append(':').Append(CollapseSpaces(value)).Append('\n');
        }

        text.Append('\n').AppendJoin(';', signedHeaders).Append('\n').Append(payloadHash);
        return text.ToString();
    }

    /// <summary>The signature's 32 bytes.</summary>
    internal static byte[] Sign(string secret, string time, SigV4Scope scope, string canonicalRequestSha256)
    {
        var key = HMACSHA256.HashData(Encoding.UTF8.GetBytes("AWS4" + secret), Encoding.UTF8.GetBytes(scope.Date));
        key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(scope.Region));
        key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(scope.Service));
        key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(SigV4Scope.Terminator));
        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{Algorithm}\n{time}\n{scope}\n{canonicalRequestSha256}"));
    }

    // Encoded once more than on the wire, dot segments and double slashes resolved first: what both official signers do outside S3.
    private static string CanonicalPath(string rawPath)
    {
        var segments = new List<string>();
        foreach (var segment in rawPath.Split('/'))
        {
            if (segment is "" or ".") continue;
            if (segment != "..") segments.Add(PercentEncoding.Encode(segment));
            else if (segments.Count > 0) segments.RemoveAt(segments.Count - 1);
        }

        var trailing = segments.Count > 0 && rawPath.EndsWith('/') ? "/" : "";
        return $"/{string.Join('/', segments)}{trailing}";
    }

    private static string CanonicalQuery(QueryParameters query)
    {
        var pairs = new List<(string Name, string Value)>();
        foreach (var (name, value) in query.All)
        {
            if (name != SignatureParameter) pairs.Add((PercentEncoding.Encode(name), PercentEncoding.Encode(value)));
        }

        pairs.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name) is var order and not 0 ? order : string.CompareOrdinal(a.Value, b.Value));
        return string.Join('&', pairs.Select(static pair => $"{pair.Name}={pair.Value}"));
    }

    private static string CollapseSpaces(string value) =>
        string.Join(' ', value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
}
