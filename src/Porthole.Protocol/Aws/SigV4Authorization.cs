using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Porthole.Protocol.Aws;

/// <summary>The signature that a request carries, in its headers or in its query, taken apart but not yet believed.</summary>
/// <param name="AccessKeyId">The key that the client names.</param>
/// <param name="Scope">The day, region and service that the client signed for.</param>
/// <param name="SignedHeaders">Lower-case header names, <c>host</c> among them, in the order of the signature.</param>
/// <param name="Signature">The 32 bytes.</param>
/// <param name="Time">The time of signing as text.</param>
/// <param name="SignedAt">The time of signing.</param>
/// <param name="Expires">The life of a presigned URL; null when the signature is in the headers.</param>
internal sealed record SigV4Authorization(
    string AccessKeyId,
    SigV4Scope Scope,
    IReadOnlyList<string> SignedHeaders,
    byte[] Signature,
    string Time,
    DateTimeOffset SignedAt,
    TimeSpan? Expires)
{
    private const int SignatureHexLength = 64;

    // Real clients sign at most a dozen. Each one is looked up among all lines of the request, so the number needs a bound.
    private const int MaxSignedHeaders = 64;

    // 15 minutes at most in any AWS service; whether it is short enough for this one is the verifier's business.
    private const int MaxExpiresDigits = 6;

    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <summary>Takes the signature of a request apart.</summary>
    /// <param name="request">The request.</param>
    /// <param name="authorization">The parts, when the result is null.</param>
    /// <returns>Null, or <see cref="SigV4Result.Missing"/> or <see cref="SigV4Result.Malformed"/>.</returns>
    internal static SigV4Result? Read(SigV4Request request, out SigV4Authorization? authorization)
    {
        authorization = null;
        var header = request.Header("authorization");
        if (!request.Target.Query.TryGetOnly(SigV4.SignatureParameter, out var signature)) return Repeated(SigV4.SignatureParameter);
        if (header is not null && signature is not null) return new SigV4Result.Malformed("the request is signed twice, in Authorization and in X-Amz-Signature");
        if (header is not null) return ReadHeader(request, header, out authorization);
        return signature is null ? new SigV4Result.Missing() : ReadQuery(request.Target.Query, signature, out authorization);
    }

    private static SigV4Result.Malformed? ReadHeader(SigV4Request request, string header, out SigV4Authorization? authorization)
    {
        authorization = null;
        if (!header.StartsWith(SigV4.Algorithm + " ", StringComparison.Ordinal))
            return new SigV4Result.Malformed($"Authorization does not start with '{SigV4.Algorithm} '");
        string? credential = null, signedHeaders = null, signature = null;
        foreach (var part in header[SigV4.Algorithm.Length..].Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=');
            var value = equals < 0 ? null : part[(equals + 1)..];
            switch (equals < 0 ? part : part[..equals])
            {
                case "Credential" when credential is null: credential = value; break;
                case "SignedHeaders" when signedHeaders is null: signedHeaders = value; break;
                case "Signature" when signature is null: signature = value; break;
                default: return new SigV4Result.Malformed("Authorization has a part other than one Credential, one SignedHeaders and one Signature");
            }
        }

        return Build(credential, signedHeaders, signature, request.Header(SigV4.DateHeader), expires: null, out authorization);
    }

    private static SigV4Result.Malformed? ReadQuery(QueryParameters query, string signature, out SigV4Authorization? authorization)
    {
        authorization = null;
        if (!query.TryGetOnly("X-Amz-Algorithm", out var algorithm)) return Repeated("X-Amz-Algorithm");
        if (!query.TryGetOnly("X-Amz-Credential", out var credential)) return Repeated("X-Amz-Credential");
        if (!query.TryGetOnly("X-Amz-SignedHeaders", out var signedHeaders)) return Repeated("X-Amz-SignedHeaders");
        if (!query.TryGetOnly("X-Amz-Date", out var time)) return Repeated("X-Amz-Date");
        if (!query.TryGetOnly("X-Amz-Expires", out var expires)) return Repeated("X-Amz-Expires");
        if (algorithm != SigV4.Algorithm) return new SigV4Result.Malformed($"X-Amz-Algorithm is not {SigV4.Algorithm}");
        if (!TryReadSeconds(expires, out var life)) return new SigV4Result.Malformed("X-Amz-Expires is no number of seconds");
        return Build(credential, signedHeaders, signature, time, life, out authorization);
    }

    private static SigV4Result.Malformed? Build(
        string? credential, string? signedHeaders, string? signature, string? time, TimeSpan? expires, out SigV4Authorization? authorization)
    {
        authorization = null;
        if (credential?.Split('/') is not [{ Length: > 0 } key, var date, var region, var service, SigV4Scope.Terminator])
            return new SigV4Result.Malformed("the credential is not KEY/DATE/REGION/SERVICE/aws4_request");
        if (!TryReadHeaderNames(signedHeaders, out var names)) return new SigV4Result.Malformed("SignedHeaders is no list of lower-case names with 'host' in it");
        if (signature is not { Length: SignatureHexLength } || signature.AsSpan().ContainsAnyExcept(LowerHex))
            return new SigV4Result.Malformed("the signature is not 64 lower-case hex digits");
        if (time is null || !SigV4.TryParseTime(time, out var signedAt)) return new SigV4Result.Malformed("X-Amz-Date is missing or not like 20260102T030405Z");
        if (!string.Equals(date, time[..8], StringComparison.Ordinal)) return new SigV4Result.Malformed("the credential's date is not the day of X-Amz-Date");
        authorization = new SigV4Authorization(
            key, new SigV4Scope(date, region, service), names, Convert.FromHexString(signature), time, signedAt, expires);
        return null;
    }

    private static SigV4Result.Malformed Repeated(string name) => new($"{name} is there twice with different values");

    private static bool TryReadHeaderNames(string? text, [NotNullWhen(true)] out string[]? names)
    {
        names = text?.Split(';', MaxSignedHeaders + 1);
        return names is { Length: <= MaxSignedHeaders } && names.Contains("host") && names.All(static name => name.Length > 0 && !name.AsSpan().ContainsAnyInRange('A', 'Z'));
    }

    private static bool TryReadSeconds(string? text, out TimeSpan? seconds)
    {
        seconds = null;
        if (text is not { Length: > 0 and <= MaxExpiresDigits } || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
        seconds = TimeSpan.FromSeconds(value);
        return true;
    }
}
