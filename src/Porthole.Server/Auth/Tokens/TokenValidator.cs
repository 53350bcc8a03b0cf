using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Auth.Tokens;

/// <summary>A token is refused; the message says why, without anything of the token's that is secret.</summary>
internal sealed class TokenException(string message) : Exception(message);

/// <summary>Validates the tokens of runtimes with an authorizer of their own.</summary>
internal sealed class TokenValidator(IssuerDocuments documents, TimeProvider time, ILogger<TokenValidator> log)
{
    /// <summary>Largest difference between the issuer's clock and the server's: both are servers with a time service.</summary>
    internal static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(1);

    // OpenID Connect Core section 2.
    private const int MaxSubjectLength = 255;

    // Signatures that only the issuer can make. HS256 would take the issuer's public key for a shared secret, and "none" takes anything.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly ConcurrentDictionary<string, IssuerKeys> _issuers = new();

    /// <summary>Validates a token.</summary>
    /// <param name="token">The token as it was sent.</param>
    /// <param name="rules">Whose tokens are taken, and what they must say.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="TokenException">The token is refused.</exception>
    /// <exception cref="IssuerException">The issuer cannot be asked for its keys, and never could.</exception>
    internal async Task<TokenCaller> ValidateAsync(string token, CustomJwtAuthorizer rules, CancellationToken cancellationToken)
    {
        var issuerKeys = _issuers.GetOrAdd(rules.DiscoveryUrl, url => new IssuerKeys(url, documents.FetchAsync, time, log));
        var issuer = await issuerKeys.GetAsync(cancellationToken);
        var key = KeyOf(token);
        if (key is not null && !Publishes(issuer, key))
        {
            issuer = await issuerKeys.GetNewerAsync(issuer, cancellationToken) ?? issuer;
            if (!Publishes(issuer, key)) throw new TokenException($"The token is signed with a key that {issuer.Name} does not publish.");
        }

        var result = await ValidateAsync(token, issuer, tryAllKeys: key is null);
        if (!result.IsValid) throw new TokenException(Explain(result.Exception, issuer));
        return ToCaller((JsonWebToken)result.SecurityToken, issuer, rules);
    }

    private Task<TokenValidationResult> ValidateAsync(string token, Issuer issuer, bool tryAllKeys) => _handler.ValidateTokenAsync(token, new TokenValidationParameters
    {
        ValidIssuer = issuer.Name,
        IssuerSigningKeys = issuer.Keys,
        ValidAlgorithms = Algorithms,
        RequireSignedTokens = true,

        // A token that names its key is signed with that one or not at all.
        TryAllIssuerSigningKeys = tryAllKeys,
        LifetimeValidator = CheckLifetime,

        // Only some runtimes ask for an audience: ClaimRules.
        ValidateAudience = false,
    });

    private static bool Publishes(Issuer issuer, string key) => issuer.Keys.Any(published => published.KeyId == key);

    // The id of the key that a token says it is signed with; null when it does not say.
    private static string? KeyOf(string token)
    {
        try
        {
            return new JsonWebToken(token).Kid is { Length: > 0 } key ? key : null;
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException or JsonException or FormatException)
        {
            throw new TokenException("The token cannot be read.");
        }
    }

    private bool CheckLifetime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;
        if (expires is null) throw new SecurityTokenNoExpirationException();
        if (expires + MaxSkew <= now) throw new SecurityTokenExpiredException();
        if (notBefore - MaxSkew > now) throw new SecurityTokenNotYetValidException();
        return true;
    }

    private static TokenCaller ToCaller(JsonWebToken token, Issuer issuer, CustomJwtAuthorizer rules)
    {
        try
        {
            using var payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload), Strict);
            var claims = payload.RootElement;
            if (ClaimRules.Problem(rules, claims) is { } problem) throw new TokenException($"The token is not for this runtime: {problem}.");
            var client = ClaimRules.Text(claims, "client_id");
            var subject = ClaimRules.Text(claims, "sub") ?? client;
            if (string.IsNullOrEmpty(subject) || subject.Length > MaxSubjectLength || subject.Any(char.IsControl))
                throw new TokenException($"The token names nobody: it has neither a sub nor a client_id of 1 to {MaxSubjectLength} characters.");
            return new TokenCaller(issuer.Name, subject, client);
        }
        catch (JsonException)
        {
            throw new TokenException("The token's claims are no JSON object, or one is there twice.");
        }
    }

    private static string Explain(Exception? exception, Issuer issuer) => exception switch
    {
        SecurityTokenExpiredException => "The token has expired. Get a new one.",
        SecurityTokenNoExpirationException => "The token never expires (exp), which is not accepted.",
        SecurityTokenNotYetValidException => "The token is not valid yet (nbf).",
        SecurityTokenInvalidIssuerException => $"The token is not from {issuer.Name}.",
        SecurityTokenInvalidAlgorithmException or SecurityTokenInvalidSignatureException or SecurityTokenSignatureKeyNotFoundException => "The token's signature is not one of its issuer's.",
        _ => "The token cannot be read.",
    };
}
