using System.Text.Json;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Auth.Tokens;

/// <summary>What a runtime's authorizer asks of a token beyond its issuer and its time (contract section 3.5).</summary>
internal static class ClaimRules
{
    /// <summary>Checks a token's claims.</summary>
    /// <returns>What is wrong with them; null when they are good.</returns>
    internal static string? Problem(CustomJwtAuthorizer rules, JsonElement claims)
    {
        if (rules.AllowedAudience is { Count: > 0 } audience && !Texts(claims, "aud").Intersect(audience).Any()) return "its audience (aud) is not one of those allowed";
        if (rules.AllowedClients is { Count: > 0 } clients && !(Text(claims, "client_id") is { } client && clients.Contains(client)))
            return "its client (client_id) is not one of those allowed";
        if (rules.AllowedScopes is { Count: > 0 } scopes && !Texts(claims, "scope").SelectMany(static text => text.Split(' ')).Intersect(scopes).Any())
            return "it has none of the scopes that are allowed";
        return rules.CustomClaims?.FirstOrDefault(rule => !Holds(rule, claims)) is { } broken ? $"its claim '{broken.InboundTokenClaimName}' is not as required" : null;
    }

    /// <summary>The value of a claim that is a text; null for any other.</summary>
    internal static string? Text(JsonElement claims, string name) =>
        claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // What is malformed in a rule holds for no token: a rule that nobody understands must not let anybody in.
    private static bool Holds(CustomClaim rule, JsonElement claims)
    {
        var match = rule.AuthorizingClaimMatchValue;
        var (one, several) = (match.ClaimMatchValue.MatchValueString, match.ClaimMatchValue.MatchValueStringList);
        var list = claims.TryGetProperty(rule.InboundTokenClaimName, out var value) && value.ValueKind == JsonValueKind.Array ? Texts(claims, rule.InboundTokenClaimName) : [];
        return (rule.InboundTokenClaimValueType, match.ClaimMatchOperator) switch
        {
            ("STRING", "EQUALS") => one is not null && Text(claims, rule.InboundTokenClaimName) == one,
            ("STRING_ARRAY", "CONTAINS") => one is not null && list.Contains(one),
            ("STRING_ARRAY", "CONTAINS_ANY") => several is not null && list.Intersect(several).Any(),
            _ => false,
        };
    }

    // A text, or a list of them.
    private static IReadOnlyList<string> Texts(JsonElement claims, string name)
    {
        if (Text(claims, name) is { } text) return [text];
        return claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(static item => item.ValueKind == JsonValueKind.String).Select(static item => item.GetString()!)]
            : [];
    }
}
