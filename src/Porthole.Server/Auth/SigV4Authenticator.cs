using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;

namespace Porthole.Server.Auth;

/// <summary>Finds out who made a request to a runtime that has no authorizer of its own: AWS signature version 4, in headers or in the query.</summary>
public sealed class SigV4Authenticator
{
    // Long enough for any real key, short enough that a stranger's nonsense does not fill an answer.
    private const int MaxEchoLength = 128;

    private readonly SigV4Verifier _verifier;
    private readonly AccessKeyCache _keys;

    /// <summary>Makes an authenticator.</summary>
    /// <param name="keys">The access keys.</param>
    /// <param name="region">The region that this server serves.</param>
    /// <param name="time">The clock.</param>
    public SigV4Authenticator(AccessKeyCache keys, string region, TimeProvider time)
    {
        _keys = keys;
        _verifier = new SigV4Verifier(region, time, id => keys.Find(id)?.Key.SecretAccessKey);
    }

    /// <summary>Authenticates a request. Does no I/O but a look into the store every few seconds.</summary>
    /// <param name="context">The request.</param>
    /// <param name="target">The request's target as sent, see <see cref="RawTarget"/>.</param>
    /// <param name="bodySha256">Hex SHA-256 of the body: <see cref="SigV4.EmptySha256"/> for an upgrade.</param>
    /// <param name="caller">Who made it, when the result is true.</param>
    /// <param name="error">The answer to give, when the result is false.</param>
    public bool TryAuthenticate(
        HttpContext context, RequestTarget target, string bodySha256, [NotNullWhen(true)] out AccessKeyCaller? caller, [NotNullWhen(false)] out AwsError? error)
    {
        ArgumentNullException.ThrowIfNull(context);
        (caller, error) = (null, null);
        if (BearerToken.IsPresent(context.Request))
        {
            error = AwsError.AccessDenied(
                "Authorization method mismatch: this runtime takes AWS Signature Version 4 and no bearer token. Sign the request with an access key.");
            return false;
        }

        var result = _verifier.Verify(ToSigV4(context.Request, target), bodySha256, ListeningPort(context));
        if (result is SigV4Result.Valid valid)
        {
            // Between its secret and this line it may have been revoked.
            if (_keys.Find(valid.AccessKeyId) is { } active)
            {
                caller = new AccessKeyCaller(active.Key, active.Policy, valid.SignedHeaders, valid.Presigned);
                return true;
            }

            result = new SigV4Result.UnknownAccessKey(valid.AccessKeyId);
        }

        error = AwsError.AccessDenied(Explain(result));
        return false;
    }

    private static SigV4Request ToSigV4(HttpRequest request, RequestTarget target)
    {
        var headers = new List<KeyValuePair<string, string>>(request.Headers.Count);
        foreach (var (name, lines) in request.Headers)
        {
            foreach (var line in lines) headers.Add(new(name, line ?? ""));
        }

        return new SigV4Request(request.Method, target, headers);
    }

    private static int? ListeningPort(HttpContext context) => context.Connection.LocalPort is var port and > 0 ? port : null;

    private static string Explain(SigV4Result result) => result switch
    {
        SigV4Result.Missing =>
            "Missing Authentication Token: sign the request with AWS Signature Version 4. 'porthole env' prints an access key of this server.",
        SigV4Result.Malformed malformed => $"The signature cannot be read: {malformed.Problem}.",
        SigV4Result.UnknownAccessKey unknown =>
            $"The access key '{Short(unknown.AccessKeyId)}' is not one of this server, or was revoked. Use the key that 'porthole env' prints; AWS_ACCESS_KEY_ID or a profile may hold another one.",
        SigV4Result.WrongScope { Part: "region" } wrong =>
            $"The request is signed for the region '{Short(wrong.Actual)}', but this server is '{wrong.Expected}'. Set AWS_REGION={wrong.Expected}.",
        SigV4Result.WrongScope wrong => $"The request is signed for the {wrong.Part} '{Short(wrong.Actual)}' instead of '{wrong.Expected}'.",
        SigV4Result.Skewed skewed =>
            $"The request was signed at {Time(skewed.SignedAt)}, but the server's time is {Time(skewed.Now)}, and they may differ by {SigV4Verifier.MaxSkew.TotalMinutes} minutes. Set the client's clock.",
        SigV4Result.Expired expired =>
            $"The presigned URL expired at {Time(expired.ExpiredAt)}; the server's time is {Time(expired.Now)}. Make a new one.",
        SigV4Result.BadLifetime life =>
            $"X-Amz-Expires is {life.Expires.TotalSeconds}; a presigned URL lives 1 to {SigV4Signer.MaxExpires.TotalSeconds} seconds.",
        SigV4Result.BodyMismatch body => $"The body's SHA-256 is {body.Actual}, not '{Short(body.Declared)}' as {SigV4.ContentSha256Header} says.",
        SigV4Result.SignatureMismatch mismatch =>
            "The signature does not match. Either the secret access key is another one, or something between client and server changed the request. "
            + $"With Host '{Short(mismatch.Host)}' the canonical request's SHA-256 is {mismatch.CanonicalRequestSha256}; the host was tried with and without its port. "
            + "A proxy in front has to pass Host, path and query on unchanged.",
        _ => throw new System.Diagnostics.UnreachableException(result.ToString()),
    };

    private static string Short(string text) => text.Length <= MaxEchoLength ? text : string.Concat(text.AsSpan(0, MaxEchoLength), "…");

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
