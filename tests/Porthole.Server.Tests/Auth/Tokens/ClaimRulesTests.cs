using System.Text.Json;
using Porthole.Server.Auth.Tokens;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Tests.Auth.Tokens;

public sealed class ClaimRulesTests
{
    private static string? Problem(CustomJwtAuthorizer rules, string claims) => ClaimRules.Problem(rules, JsonElement.Parse(claims));

    private static CustomJwtAuthorizer Rules => new() { DiscoveryUrl = "https://issuer" };

    [Theory]
    [InlineData("""{"aud":"a"}""", true)]
    [InlineData("""{"aud":["x","b"]}""", true)]
    [InlineData("""{"aud":["x"]}""", false)]
    [InlineData("""{"aud":"ab"}""", false)]
    [InlineData("""{"aud":{"a":"a"}}""", false)]
    [InlineData("{}", false)]
    public void One_audience_has_to_be_allowed(string claims, bool good) =>
        Assert.Equal(good, Problem(Rules with { AllowedAudience = ["a", "b"] }, claims) is null);

    [Theory]
    [InlineData("""{"client_id":"a"}""", true)]
    [InlineData("""{"client_id":["a"]}""", false)]
    [InlineData("""{"azp":"a"}""", false)]
    public void The_client_has_to_be_allowed(string claims, bool good) => Assert.Equal(good, Problem(Rules with { AllowedClients = ["a"] }, claims) is null);

    [Fact]
    public void Where_both_are_set_both_are_checked()
    {
        var rules = Rules with { AllowedAudience = ["a"], AllowedClients = ["c"] };
        Assert.Null(Problem(rules, """{"aud":"a","client_id":"c"}"""));
        Assert.Contains("aud", Problem(rules, """{"client_id":"c"}"""), StringComparison.Ordinal);
        Assert.Contains("client_id", Problem(rules, """{"aud":"a"}"""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"scope":"x run y"}""", true)]
    [InlineData("""{"scope":"running"}""", false)]
    [InlineData("""{"scope":""}""", false)]
    [InlineData("""{"scope":["run"]}""", true)]
    [InlineData("{}", false)]
    public void One_scope_has_to_be_allowed(string claims, bool good) => Assert.Equal(good, Problem(Rules with { AllowedScopes = ["run", "all"] }, claims) is null);

    [Theory]
    [InlineData("STRING", "EQUALS", "admin", null, """{"role":"admin"}""", true)]
    [InlineData("STRING", "EQUALS", "admin", null, """{"role":"Admin"}""", false)]
    [InlineData("STRING", "EQUALS", "admin", null, """{"role":["admin"]}""", false)]
    [InlineData("STRING", "EQUALS", "1", null, """{"role":1}""", false)]
    [InlineData("STRING_ARRAY", "CONTAINS", "admin", null, """{"role":["x","admin"]}""", true)]
    [InlineData("STRING_ARRAY", "CONTAINS", "admin", null, """{"role":"admin"}""", false)]
    [InlineData("STRING_ARRAY", "CONTAINS_ANY", null, "a,b", """{"role":["b"]}""", true)]
    [InlineData("STRING_ARRAY", "CONTAINS_ANY", null, "a,b", """{"role":["c"]}""", false)]
    [InlineData("STRING_ARRAY", "CONTAINS_ANY", "b", null, """{"role":["b"]}""", false)]
    [InlineData("STRING", "CONTAINS", "admin", null, """{"role":"admin"}""", false)]
    [InlineData("STRING_ARRAY", "EQUALS", "admin", null, """{"role":["admin"]}""", false)]
    [InlineData("STRING", "EQUALS", "admin", null, "{}", false)]
    public void A_claim_of_the_runtimes_own_has_to_match(string type, string @operator, string? one, string? several, string claims, bool good)
    {
        var value = new ClaimMatchValue { MatchValueString = one, MatchValueStringList = several?.Split(',') };
        var rule = new CustomClaim("role", type, new ClaimMatch(value, @operator));
        Assert.Equal(good, Problem(Rules with { CustomClaims = [rule] }, claims) is null);
    }
}
