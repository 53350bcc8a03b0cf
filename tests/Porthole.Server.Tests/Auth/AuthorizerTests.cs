using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Porthole.Server.Api;
using Porthole.Server.Auth;
using Porthole.Server.Auth.Policies;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Auth;

public sealed class AuthorizerTests : IAsyncLifetime
{
    private const string Runtime = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_agent-abcdefghij";
    private const string Endpoint = Runtime + "/runtime-endpoint/DEFAULT";
    private const string Command = "bedrock-agentcore:InvokeAgentRuntimeCommand";

    private readonly AuthFixture _fixture = new();

    public ValueTask InitializeAsync() => _fixture.InitializeAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    private static AccessKeyCaller Key(string? statement, string? name = "bob") => new(
        new AccessKey { AccessKeyId = "K", SecretAccessKey = "s", CreatedAt = AuthFixture.Now, Name = name },
        statement is null ? null : Policy.ParseForPrincipal($$"""{"Statement":{{statement}}}"""), [], false);

    private static TokenCaller Token { get; } = new("https://issuer", "alice", "app");

    private static string Statement(string effect, string resource, string more = "") => $$"""{"Effect":"{{effect}}","Action":"bedrock-agentcore:*","Resource":"{{resource}}"{{more}}}""";

    private async Task<string?> RefusalAsync(Caller caller, string action = Command, params string[] arns)
    {
        var authorizer = new Authorizer(
            new ServerOptions { DataDirectory = "/", Region = "us-west-2", AccountId = "123456789012" }, _fixture.Store, NullLogger<Authorizer>.Instance);
        var context = new DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Parse("::ffff:10.1.2.3") } };
        try
        {
            await authorizer.DemandAsync(context, caller, action, arns.Length == 0 ? [Runtime, Endpoint] : arns);
            return null;
        }
        catch (AwsException e)
        {
            Assert.Equal((403, "AccessDeniedException"), (e.Error.Status, e.Error.Name));
            return e.Error.Message;
        }
    }

    private void Carry(string arn, string effect, string principal, string more = "") =>
        _fixture.SetResourcePolicy(arn, $$"""{"Statement":{{Statement(effect, arn, $",\"Principal\":{principal}{more}")}}}""");

    [Fact]
    public async Task A_key_without_a_policy_may_do_everything() => Assert.Null(await RefusalAsync(Key(null)));

    [Fact]
    public async Task A_key_whose_policy_allows_nothing_is_refused_by_name()
    {
        var refusal = await RefusalAsync(Key(Statement("Allow", "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/other-*")));
        Assert.Equal($"The access key K (bob) is not authorized to perform {Command} on {Runtime}: no policy allows it.", refusal);
    }

    [Fact]
    public async Task Both_the_runtime_and_the_endpoint_have_to_be_allowed()
    {
        Assert.Contains($"on {Endpoint}:", await RefusalAsync(Key(Statement("Allow", Runtime))), StringComparison.Ordinal);
        Assert.Null(await RefusalAsync(Key(Statement("Allow", Runtime + "*"))));
        Assert.Contains("denies it", await RefusalAsync(Key($"[{Statement("Allow", "*")},{Statement("Deny", Endpoint)}]")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_key_lacks_the_policies_of_the_resources_can_give()
    {
        var bob = Key(Statement("Allow", "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/other-*"));
        Carry(Runtime, "Allow", """{"AWS":"arn:aws:iam::123456789012:user/bob"}""");
        Assert.Contains($"on {Endpoint}:", await RefusalAsync(bob), StringComparison.Ordinal);
        Carry(Endpoint, "Allow", """{"AWS":"arn:aws:iam::123456789012:user/bob"}""");
        Assert.Null(await RefusalAsync(bob));
        Assert.NotNull(await RefusalAsync(bob with { Key = new AccessKey { AccessKeyId = "K", SecretAccessKey = "s", CreatedAt = AuthFixture.Now, Name = "ann" } }));
    }

    [Fact]
    public async Task A_denial_of_the_resource_holds_for_the_key_that_may_do_everything_too()
    {
        Carry(Endpoint, "Deny", "\"*\"", ""","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}""");
        Assert.Contains("the policy of the resource denies it", await RefusalAsync(Key(null)), StringComparison.Ordinal);

        // But it can still be managed, or nobody could ever take the denial away.
        Assert.Null(await RefusalAsync(Key(null), "bedrock-agentcore:DeleteResourcePolicy", Endpoint));
    }

    [Fact]
    public async Task A_token_may_use_its_runtime_and_nothing_else()
    {
        Assert.Null(await RefusalAsync(Token));
        Assert.NotNull(await RefusalAsync(Token, "bedrock-agentcore:InvokeAgentRuntimeForUser"));
        Assert.NotNull(await RefusalAsync(Token, "bedrock-agentcore:DeleteAgentRuntime"));
        Assert.NotNull(await RefusalAsync(Token, "porthole:ListSessions", "arn:aws:porthole:us-west-2:123456789012:server"));
    }

    [Fact]
    public async Task Where_the_resource_carries_a_policy_it_has_to_allow_a_token_too()
    {
        Carry(Runtime, "Allow", "\"*\"", ""","Condition":{"StringEquals":{"bedrock-agentcore:InboundJwtClaim/sub":"alice"}}""");
        Assert.Null(await RefusalAsync(Token));
        Assert.Contains("no policy allows it", await RefusalAsync(Token with { Subject = "mallory" }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_of_a_resource_that_is_not_understood_lets_nobody_in()
    {
        _fixture.SetResourcePolicy(Runtime, """{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}""");
        Assert.NotNull(await RefusalAsync(Key(null)));
    }

    [Theory]
    [InlineData("bedrock-agentcore:InvokeAgentRuntime", true)]
    [InlineData("bedrock-agentcore:InvokeAgentRuntimeForUser", true)]
    [InlineData("bedrock-agentcore:InvokeAgentRuntimeCommandShell", true)]
    [InlineData("bedrock-agentcore:CreateAgentRuntime", false)]
    [InlineData("bedrock-agentcore:None", false)]
    [InlineData("porthole:ListSessions", false)]
    public void Using_a_runtime_is_told_from_managing_it(string action, bool uses) => Assert.Equal(uses, Actions.UseRuntime(action));
}
