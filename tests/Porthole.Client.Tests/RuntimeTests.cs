using System.Text;
using System.Text.Json;

namespace Porthole.Client.Tests;

public sealed class RuntimeTests
{
    private const string Described = """
        {"agentRuntimeArn":"arn:x","agentRuntimeName":"agent","agentRuntimeId":"agent-abcdefghij","agentRuntimeVersion":"3","status":"READY","future":1,
         "createdAt":"2026-01-02T03:04:05.000000Z","lastUpdatedAt":"2026-01-02T03:04:06.000000Z","roleArn":"arn:role","description":"d",
         "agentRuntimeArtifact":{"containerConfiguration":{"containerUri":"host"}},"networkConfiguration":{"networkMode":"VPC","networkModeConfig":{"subnets":["s"]}},
         "authorizerConfiguration":{"customJWTAuthorizer":{"discoveryUrl":"u"}},"environmentVariables":{"A":"1"},
         "lifecycleConfiguration":{"idleRuntimeSessionTimeout":60,"maxLifetime":120},"filesystemConfigurations":[{"sessionStorage":{"mountPath":"/mnt/x"}}]}
        """;

    [Fact]
    public async Task A_runtime_is_created_with_a_put_that_has_a_token()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var creating = client.CreateRuntimeAsync(
            "agent",
            new AgentRuntimeSettings { RoleArn = "arn:role", AgentRuntimeArtifact = new() { ContainerConfiguration = new("host") }, NetworkConfiguration = new("PUBLIC") },
            new Dictionary<string, string> { ["team"] = "a" });
        var request = await server.NextAsync();
        Assert.Equal(("PUT", "/runtimes/"), (request.Method, request.RawTarget));
        var body = JsonElement.Parse(await request.BodyAsync());
        Assert.InRange(body.GetProperty("clientToken").GetString()!.Length, 33, 256);
        Assert.Equal(
            """{"agentRuntimeName":"agent","tags":{"team":"a"},"agentRuntimeArtifact":{"containerConfiguration":{"containerUri":"host"}},"roleArn":"arn:role","networkConfiguration":{"networkMode":"PUBLIC"}}""",
            Without(body, "clientToken"));
        await request.AnswerAsync(202, "application/json", """{"agentRuntimeId":"agent-abcdefghij","status":"CREATING"}"""u8.ToArray());
        Assert.Equal("agent-abcdefghij", await creating);
    }

    [Fact]
    public async Task A_description_sent_back_is_an_update_that_loses_nothing_and_has_nothing_of_the_runtimes_own()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var getting = client.GetRuntimeAsync("agent-abcdefghij", "3");
        var got = await server.NextAsync();
        Assert.Equal("/runtimes/agent-abcdefghij/?version=3", got.RawTarget);
        await got.AnswerAsync(200, "application/json", Encoding.UTF8.GetBytes(Described));
        var runtime = await getting;
        Assert.Equal(("READY", false, new DateTimeOffset(2026, 1, 2, 3, 4, 6, TimeSpan.Zero)), (runtime.Status, runtime.IsOnTheWay, runtime.LastUpdatedAt));

        var updating = client.UpdateRuntimeAsync(runtime.AgentRuntimeId, runtime with { Description = null });
        var update = await server.NextAsync();
        Assert.Equal(("PUT", "/runtimes/agent-abcdefghij/"), (update.Method, update.RawTarget));
        Assert.Equal(
            """{"agentRuntimeArtifact":{"containerConfiguration":{"containerUri":"host"}},"roleArn":"arn:role","networkConfiguration":{"networkMode":"VPC","networkModeConfig":{"subnets":["s"]}},"authorizerConfiguration":{"customJWTAuthorizer":{"discoveryUrl":"u"}},"lifecycleConfiguration":{"idleRuntimeSessionTimeout":60,"maxLifetime":120},"environmentVariables":{"A":"1"},"filesystemConfigurations":[{"sessionStorage":{"mountPath":"/mnt/x"}}]}""",
            Without(JsonElement.Parse(await update.BodyAsync()), "clientToken"));
        await update.AnswerAsync(202, "application/json", """{"agentRuntimeId":"agent-abcdefghij"}"""u8.ToArray());
        await updating;
    }

    [Fact]
    public async Task A_list_is_read_page_by_page_with_posts()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var listing = client.ListEndpointsAsync("agent-abcdefghij").ToListAsync().AsTask();
        var first = await server.NextAsync();
        Assert.Equal(("POST", "/runtimes/agent-abcdefghij/runtime-endpoints/"), (first.Method, first.RawTarget));
        await first.AnswerAsync(200, "application/json", """{"runtimeEndpoints":[{"name":"a","status":"READY"}],"nextToken":"t/+"}"""u8.ToArray());
        var second = await server.NextAsync();
        Assert.EndsWith("/?nextToken=t%2F%2B", second.RawTarget, StringComparison.Ordinal);
        await second.AnswerAsync(200, "application/json", """{"runtimeEndpoints":[{"name":"b","status":"CREATING"}]}"""u8.ToArray());
        Assert.Equal([("a", false), ("b", true)], (await listing).Select(static endpoint => (endpoint.Name, endpoint.IsOnTheWay)));
    }

    [Fact]
    public async Task A_refusal_names_the_status_and_the_message()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var deleting = client.DeleteEndpointAsync("agent-abcdefghij", "DEFAULT");
        var request = await server.NextAsync();
        Assert.Equal(("DELETE", "/runtimes/agent-abcdefghij/runtime-endpoints/DEFAULT/"), (request.Method, request.RawTarget));
        await request.RefuseAsync(Protocol.Aws.AwsError.Conflict("it stays"));
        var refused = await Assert.ThrowsAsync<AgentCoreException>(() => deleting);
        Assert.Equal((409, "it stays"), (refused.Status, refused.Message));
    }

    [Fact]
    public async Task Tags_and_policies_are_read_set_and_taken_away_under_the_encoded_arn()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        const string arn = "arn:aws:x:r:1:runtime/a-b", encoded = "arn%3Aaws%3Ax%3Ar%3A1%3Aruntime%2Fa-b";

        var tags = client.ListTagsAsync(arn);
        await AnswerAsync("GET", $"/tags/{encoded}", "", 200, """{"tags":{"a":"b"}}""");
        Assert.Equal(KeyValuePair.Create("a", "b"), Assert.Single(await tags));
        var tagging = client.TagAsync(arn, new Dictionary<string, string> { ["c"] = "d" });
        await AnswerAsync("POST", $"/tags/{encoded}", """{"tags":{"c":"d"}}""", 204, "");
        await tagging;
        var untagging = client.UntagAsync(arn, ["a", "c d"]);
        await AnswerAsync("DELETE", $"/tags/{encoded}?tagKeys=a&tagKeys=c%20d", "", 204, "");
        await untagging;

        var putting = client.PutResourcePolicyAsync(arn, "{}");
        await AnswerAsync("PUT", $"/resourcepolicy/{encoded}", """{"policy":"{}"}""", 201, """{"policy":"{}"}""");
        await putting;
        var policy = client.GetResourcePolicyAsync(arn);
        await AnswerAsync("GET", $"/resourcepolicy/{encoded}", "", 200, """{"policy":"{}"}""");
        Assert.Equal("{}", await policy);
        var deleting = client.DeleteResourcePolicyAsync(arn);
        await AnswerAsync("DELETE", $"/resourcepolicy/{encoded}", "", 204, "");
        await deleting;

        async Task AnswerAsync(string method, string target, string body, int status, string answer)
        {
            var request = await server.NextAsync();
            Assert.Equal((method, target, body), (request.Method, request.RawTarget, Encoding.UTF8.GetString(await request.BodyAsync())));
            await request.AnswerAsync(status, "application/json", Encoding.UTF8.GetBytes(answer));
        }
    }

    private static string Without(JsonElement body, string member) =>
        JsonSerializer.Serialize(body.EnumerateObject().Where(pair => pair.Name != member).ToDictionary(static pair => pair.Name, static pair => pair.Value));
}
