using System.Text.RegularExpressions;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Control;

/// <summary>Reads <c>authorizerConfiguration</c> (contract section 3.5; the limits are the service model's).</summary>
internal static partial class AuthorizerRequest
{
    // The model sets no maximum for these lists; the store does.
    private const int MaxEntries = 100;

    private static readonly TextRule DiscoveryUrl = new(1, 2048, DiscoveryUrlPattern(), "an address that ends in /.well-known/openid-configuration");
    private static readonly TextRule Name = new(1, 2048);
    private static readonly TextRule Scope = new(1, 255, ScopePattern(), "a scope of RFC 6749");
    private static readonly TextRule ClaimName = new(1, 255, ClaimNamePattern(), "letters, digits and any of _.-:");
    private static readonly TextRule ClaimValue = new(1, 255, ClaimValuePattern(), "letters, digits and any of _.-");

    public static AuthorizerConfiguration? Read(RequestFields? authorizer)
    {
        if (authorizer?.RequiredObject("customJWTAuthorizer") is not { } jwt)
            return null;
        return new AuthorizerConfiguration(new CustomJwtAuthorizer
        {
            DiscoveryUrl = jwt.RequiredText("discoveryUrl", DiscoveryUrl),
            AllowedAudience = jwt.Texts("allowedAudience", 1, MaxEntries, Name),
            AllowedClients = jwt.Texts("allowedClients", 1, MaxEntries, Name),
            AllowedScopes = jwt.Texts("allowedScopes", 1, MaxEntries, Scope),
            CustomClaims = jwt.Objects("customClaims", 1, MaxEntries)?.Select(ReadClaim).ToArray(),
        });
    }

    private static CustomClaim ReadClaim(RequestFields claim)
    {
        var name = claim.RequiredText("inboundTokenClaimName", ClaimName);
        var type = Required(claim, "inboundTokenClaimValueType", "STRING", "STRING_ARRAY");
        var match = claim.RequiredObject("authorizingClaimMatchValue");
        var comparison = match is null ? "" : Required(match, "claimMatchOperator", "EQUALS", "CONTAINS", "CONTAINS_ANY");
        var value = match?.RequiredObject("claimMatchValue");
        var expected = new ClaimMatchValue
        {
            MatchValueString = value?.Text("matchValueString", ClaimValue),
            MatchValueStringList = value?.Texts("matchValueStringList", 1, MaxEntries, ClaimValue),
        };
        if (value is not null && Problem(type, comparison, expected) is { } problem)
            match!.Fail("claimMatchOperator", problem);
        return new CustomClaim(name, type, new ClaimMatch(expected, comparison));
    }

    // An operator that can never hold would lock everybody out without a word.
    private static string? Problem(string type, string comparison, ClaimMatchValue expected) => (comparison, type) switch
    {
        ("EQUALS", "STRING_ARRAY") => "EQUALS compares a STRING",
        ("CONTAINS" or "CONTAINS_ANY", "STRING") => $"{comparison} looks into a STRING_ARRAY",
        ("EQUALS" or "CONTAINS", _) when expected.MatchValueString is null => $"{comparison} needs matchValueString",
        ("CONTAINS_ANY", _) when expected.MatchValueStringList is null => "CONTAINS_ANY needs matchValueStringList",
        _ => null,
    };

    private static string Required(RequestFields fields, string name, params ReadOnlySpan<string> words)
    {
        if (!fields.Has(name))
            fields.Fail(name, "is required");
        return fields.Word(name, words) ?? "";
    }

    [GeneratedRegex(@"\Ahttps?://.+/\.well-known/openid-configuration\z")]
    private static partial Regex DiscoveryUrlPattern();

    [GeneratedRegex(@"\A[\x21\x23-\x5B\x5D-\x7E]+\z")]
    private static partial Regex ScopePattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_.:-]+\z")]
    private static partial Regex ClaimNamePattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]+\z")]
    private static partial Regex ClaimValuePattern();
}
