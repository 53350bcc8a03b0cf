using System.Net;
using System.Text.Json;
using Porthole.Server.Auth.Policies;

namespace Porthole.Server.Tests.Auth.Policies;

public sealed class PolicyTests
{
    private const string Arn = "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/sandbox-abcdefghij";
    private const string Shell = "bedrock-agentcore:InvokeAgentRuntimeCommandShell";

    private static readonly Dictionary<string, string> NoKeys = [];

    private static PolicyVerdict Ask(string statement, string action = Shell, string arn = Arn, string? ip = null, Dictionary<string, string>? keys = null) =>
        Policy.ParseForPrincipal($$"""{"Version":"2012-10-17","Statement":{{statement}}}""").Evaluate(Request(action, ip, keys), arn);

    private static PolicyRequest Request(string action, string? ip = null, Dictionary<string, string>? keys = null, string? principal = null) =>
        new(action, principal, ip is null ? null : IPAddress.Parse(ip), keys ?? NoKeys);

    [Theory]
    [InlineData("\"Action\":\"*\",\"Resource\":\"*\"", PolicyVerdict.Allow)]
    [InlineData("\"Action\":\"bedrock-agentcore:InvokeAgentRuntimeCommandShell\",\"Resource\":\"*\"", PolicyVerdict.Allow)]
    [InlineData("\"Action\":\"bedrock-agentcore:invokeagentruntimecommandshell\",\"Resource\":\"*\"", PolicyVerdict.Allow)]
    [InlineData("\"Action\":[\"s3:*\",\"bedrock-agentcore:Invoke*\"],\"Resource\":\"*\"", PolicyVerdict.Allow)]
    [InlineData("\"Action\":\"bedrock-agentcore:InvokeAgentRuntimeCommand\",\"Resource\":\"*\"", PolicyVerdict.None)]
    [InlineData("\"Action\":\"porthole:*\",\"Resource\":\"*\"", PolicyVerdict.None)]
    [InlineData("\"NotAction\":\"porthole:*\",\"Resource\":\"*\"", PolicyVerdict.Allow)]
    [InlineData("\"NotAction\":\"bedrock-agentcore:*\",\"Resource\":\"*\"", PolicyVerdict.None)]
    [InlineData("\"Action\":\"*\",\"Resource\":\"arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/sandbox-*\"", PolicyVerdict.Allow)]
    [InlineData("\"Action\":\"*\",\"Resource\":\"arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/other-*\"", PolicyVerdict.None)]
    [InlineData("\"Action\":\"*\",\"NotResource\":\"arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/other-*\"", PolicyVerdict.Allow)]
    public void An_action_on_a_resource_is_allowed_as_the_policy_says(string rest, PolicyVerdict expected) =>
        Assert.Equal(expected, Ask($$"""{"Effect":"Allow",{{rest}}}"""));

    [Fact]
    public void A_denial_wins_wherever_it_stands()
    {
        const string allow = """{"Effect":"Allow","Action":"*","Resource":"*"}""", deny = """{"Effect":"Deny","Action":"*:*","Resource":"*"}""";
        const string denyShell = """{"Effect":"Deny","Action":"bedrock-agentcore:*Shell","Resource":"*"}""";
        Assert.Throws<PolicyException>(() => Ask($"[{allow},{deny}]"));
        Assert.Equal(PolicyVerdict.Deny, Ask($"[{allow},{denyShell}]"));
        Assert.Equal(PolicyVerdict.Deny, Ask($"[{denyShell},{allow}]"));
        Assert.Equal(PolicyVerdict.Allow, Ask($"[{denyShell},{allow}]", "bedrock-agentcore:InvokeAgentRuntimeCommand"));
    }

    [Theory]
    [InlineData("\"IpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}", "10.1.2.3", true)]
    [InlineData("\"IpAddress\":{\"aws:SourceIp\":[\"10.1.0.0/16\",\"::1\"]}", "::1", true)]
    [InlineData("\"IpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}", "10.2.2.3", false)]
    [InlineData("\"IpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}", null, false)]
    [InlineData("\"IpAddress\":{\"aws:SourceIp\":\"10.9.9.9/8\"}", "10.1.2.3", true)]
    [InlineData("\"NotIpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}", "10.1.2.3", false)]
    [InlineData("\"NotIpAddress\":{\"aws:SourceIp\":\"10.1.0.0/16\"}", null, true)]
    [InlineData("\"Bool\":{\"aws:SecureTransport\":\"true\"}", null, true)]
    [InlineData("\"Bool\":{\"aws:SecureTransport\":false}", null, false)]
    [InlineData("\"StringEquals\":{\"aws:username\":[\"ann\",\"bob\"]}", null, true)]
    [InlineData("\"StringEquals\":{\"AWS:UserName\":\"Bob\"}", null, false)]
    [InlineData("\"StringEqualsIgnoreCase\":{\"aws:username\":\"Bob\"}", null, true)]
    [InlineData("\"StringNotEquals\":{\"aws:username\":[\"ann\",\"bob\"]}", null, false)]
    [InlineData("\"StringLike\":{\"aws:username\":\"b?b\"}", null, true)]
    [InlineData("\"StringNotLike\":{\"aws:username\":\"b*\"}", null, false)]
    [InlineData("\"StringEquals\":{\"aws:PrincipalArn\":\"x\"}", null, false)]
    [InlineData("\"StringNotEquals\":{\"aws:PrincipalArn\":\"x\"}", null, true)]
    [InlineData("\"StringEquals\":{\"aws:username\":\"bob\"},\"Bool\":{\"aws:SecureTransport\":\"false\"}", null, false)]
    public void A_statement_counts_when_all_its_conditions_hold(string conditions, string? ip, bool holds)
    {
        Dictionary<string, string> keys = new() { ["aws:securetransport"] = "true", ["aws:username"] = "bob" };
        var verdict = Ask($$"""{"Effect":"Deny","Action":"*","Resource":"*","Condition":{ {{conditions}} } }""", ip: ip, keys: keys);
        Assert.Equal(holds ? PolicyVerdict.Deny : PolicyVerdict.None, verdict);
    }

    // Each of these would allow or deny something else than its author thinks if it were passed over.
    [Theory]
    [InlineData("", "no valid JSON")]
    [InlineData("[]", "no JSON object")]
    [InlineData("{}", "no Statement")]
    [InlineData("""{"Statement":"all"}""", "Statement is neither")]
    [InlineData("""{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}""", "Version")]
    [InlineData("""{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}""", "Effect")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*"}}""", "either Resource or NotResource")]
    [InlineData("""{"Statement":{"Effect":"Allow","Resource":"*"}}""", "either Action or NotAction")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"}}""", "either Action or NotAction")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"Invoke*","Resource":"*"}}""", "SERVICE:NAME")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}""", "Action is neither")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":[1],"Resource":"*"}}""", "Action is neither")]
    [InlineData("""{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}""", "no valid JSON")]
    [InlineData("""{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","condition":{}}}""", "'condition'")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}""", "'Principal'")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:x:y:z:${aws:username}"}}""", "variable")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}}}""", "DateLessThan")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIfExists":{"aws:username":"a"}}}}""", "StringEqualsIfExists")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:username":"a"}}}}""", "ForAnyValue")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o"}}}}""", "aws:PrincipalOrgID")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}""", "aws:MultiFactorAuthPresent")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"yes"}}}}""", "'yes'")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}}""", "10.0.0.0/33")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"home"}}}}""", "'home'")]
    public void What_is_not_understood_is_refused_with_the_reason(string policy, string reason) =>
        Assert.Contains(reason, Assert.Throws<PolicyException>(() => Policy.ParseForPrincipal(policy)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_policy_of_more_than_20_KB_is_refused()
    {
        var json = """{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}""";
        Assert.NotNull(Policy.ParseForPrincipal(json.PadRight(Policy.MaxLength)));
        Assert.Contains("20480", Assert.Throws<PolicyException>(() => Policy.ParseForPrincipal(json.PadRight(Policy.MaxLength + 1))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"*\"", "Allow", "arn:aws:iam::000000000000:user/bob", true)]
    [InlineData("\"*\"", "Allow", null, true)]
    [InlineData("{\"AWS\":\"*\"}", "Deny", null, true)]
    [InlineData("{\"AWS\":\"arn:aws:iam::000000000000:user/bob\"}", "Allow", "arn:aws:iam::000000000000:user/bob", true)]
    [InlineData("{\"AWS\":[\"arn:aws:iam::000000000000:user/ann\"]}", "Allow", "arn:aws:iam::000000000000:user/bob", false)]
    [InlineData("{\"AWS\":\"arn:aws:iam::000000000000:user/bob\"}", "Deny", null, false)]
    [InlineData("{\"AWS\":\"000000000000\"}", "Allow", "arn:aws:iam::000000000000:user/bob", false)]
    [InlineData("{\"AWS\":\"000000000000\"}", "Deny", "arn:aws:iam::000000000000:user/bob", true)]
    [InlineData("{\"AWS\":\"arn:aws:iam::000000000000:root\"}", "Deny", "arn:aws:iam::000000000000:user/bob", true)]
    [InlineData("{\"AWS\":\"111111111111\"}", "Deny", "arn:aws:iam::000000000000:user/bob", false)]
    public void A_policy_of_a_resource_speaks_of_its_principals(string principal, string effect, string? caller, bool applies)
    {
        var json = $$"""{"Statement":{"Effect":"{{effect}}","Principal":{{principal}},"Action":"bedrock-agentcore:*","Resource":"{{Arn}}"} }""";
        var verdict = Policy.ParseForResource(json, Arn).Evaluate(Request(Shell, principal: caller), Arn);
        Assert.Equal(applies ? Enum.Parse<PolicyVerdict>(effect) : PolicyVerdict.None, verdict);
    }

    [Theory]
    [InlineData("\"Action\":\"*\",\"Resource\":\"*\",\"Principal\":\"*\"", "Resource has to be")]
    [InlineData("\"Action\":\"*\",\"Resource\":\"ARN*\",\"Principal\":\"*\"", "Resource has to be")]
    [InlineData("\"Action\":\"*\",\"NotResource\":\"ARN\",\"Principal\":\"*\"", "'NotResource'")]
    [InlineData("\"Action\":\"*\",\"Resource\":\"ARN\"", "needs a Principal")]
    [InlineData("\"Action\":\"*\",\"Resource\":\"ARN\",\"NotPrincipal\":\"*\"", "'NotPrincipal'")]
    [InlineData("\"Action\":\"*\",\"Resource\":\"ARN\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"}", "neither \"*\"")]
    [InlineData("\"Action\":\"*\",\"Resource\":\"ARN\",\"Principal\":{\"AWS\":\"*\",\"Federated\":\"x\"}", "'Federated'")]
    [InlineData("\"Action\":\"*\",\"Resource\":\"ARN\",\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:role/x\"}", "role/x")]
    [InlineData("\"Action\":\"*\",\"Resource\":\"ARN\",\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:user/*\"}", "user/*")]
    public void A_policy_of_a_resource_names_that_resource_and_known_principals(string rest, string reason)
    {
        var json = $$"""{"Statement":{"Effect":"Allow",{{rest.Replace("ARN", Arn, StringComparison.Ordinal)}} } }""";
        Assert.Contains(reason, Assert.Throws<PolicyException>(() => Policy.ParseForResource(json, Arn)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_no_policy_is_never_anything_but_refused()
    {
        var whole = """{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["a:b"],"Resource":["*"],"Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}""";
        Assert.NotNull(Policy.ParseForPrincipal(whole));
        for (var length = 0; length < whole.Length; length++)
            Assert.Throws<PolicyException>(() => Policy.ParseForPrincipal(whole[..length]));
        Assert.Throws<PolicyException>(() => Policy.ParseForPrincipal(JsonSerializer.Serialize(Enumerable.Repeat(new object(), 10))));
    }
}
