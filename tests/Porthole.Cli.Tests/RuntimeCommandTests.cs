using System.Text;
using System.Text.Json;
using Porthole.Client.Tests;
using Porthole.Protocol.Aws;

namespace Porthole.Cli.Tests;

public sealed class RuntimeCommandTests
{
    private const string Id = "agent-abcdefghij";
    private const string Arn = $"arn:aws:bedrock-agentcore:r:000000000000:runtime/{Id}";

    [Fact]
    public async Task Create_waits_until_the_runtime_is_ready_and_prints_its_ARN()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(
            ["runtime", "create", "agent", "--image", "host", "--env", "A=b=c", "--idle-timeout", "60", "--tag", "team=x", "--isolation", "microvm"], server);
        var create = await server.NextAsync();
        var body = JsonElement.Parse(await create.BodyAsync());
        Assert.Equal("host", body.GetProperty("agentRuntimeArtifact").GetProperty("containerConfiguration").GetProperty("containerUri").GetString());
        Assert.Equal("b=c", body.GetProperty("environmentVariables").GetProperty("A").GetString());
        Assert.Equal("""{"idleRuntimeSessionTimeout":60}""", body.GetProperty("lifecycleConfiguration").GetRawText());
        Assert.Equal("""{"team":"x","porthole:isolation":"microvm"}""", body.GetProperty("tags").GetRawText());
        await create.AnswerAsync(202, "application/json", Encoding.UTF8.GetBytes($$"""{"agentRuntimeId":"{{Id}}"}"""));
        var watch = await server.NextAsync();
        Assert.Equal(("GET", $"/porthole/v1/progress?runtimeId={Id}"), (watch.Method, watch.RawTarget));
        await watch.AnswerAsync(200, "application/x-ndjson", """
            {"stage":"COPYING","bytes":1,"totalBytes":2}
            {"stage":"COPYING","bytes":2,"totalBytes":2}
            {"stage":"UNPACKING","bytes":0,"totalBytes":0}

            """u8.ToArray());
        await DescribeAsync(server, "READY");
        Assert.Equal(new PortholeResult(0, $"{Arn}\n", "copying\nunpacking\n"), await running);
    }

    [Fact]
    public async Task A_runtime_that_fails_is_an_error_with_its_reason()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["runtime", "create", "agent", "--image", "host"], server);
        await (await server.NextAsync()).AnswerAsync(202, "application/json", Encoding.UTF8.GetBytes($$"""{"agentRuntimeId":"{{Id}}"}"""));
        await (await server.NextAsync()).RefuseAsync(AwsError.UnknownOperation("a server of somebody else"));
        foreach (var status in (string[])["CREATING", "CREATING"])
            await DescribeAsync(server, status);
        await DescribeAsync(server, "CREATE_FAILED", ",\"failureReason\":\"there is no such image\"");
        Assert.Equal(new PortholeResult(1, "", $"porthole: {Id} is CREATE_FAILED: there is no such image\n"), await running);
    }

    [Fact]
    public async Task An_update_keeps_what_is_not_given()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["runtime", "update", Arn, "--env", "B=2", "--unset-env", "C", "--no-wait", "--json"], server);
        await DescribeAsync(server, "READY", ",\"description\":\"kept\",\"environmentVariables\":{\"A\":\"1\",\"C\":\"3\"}");
        var body = JsonElement.Parse(await AnswerAsync(server, $$"""{"agentRuntimeId":"{{Id}}"}"""));
        Assert.Equal("kept", body.GetProperty("description").GetString());
        Assert.Equal("""{"A":"1","B":"2"}""", body.GetProperty("environmentVariables").GetRawText());
        await DescribeAsync(server, "UPDATING");
        var result = await running;
        Assert.Equal("UPDATING", JsonElement.Parse(result.Output).GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("runtime", "create", "agent", "--image", "host", "--env", "novalue")]
    [InlineData("runtime", "create", "agent", "--image", "host", "--network", "LAN")]
    [InlineData("runtime", "create", "agent", "--image", "host", "--isolation", "none")]
    [InlineData("runtime", "show")]
    public async Task A_command_line_that_cannot_mean_anything_is_refused_before_the_server_is_asked(params string[] arguments)
    {
        await using var server = await ScriptedServer.StartAsync();
        Assert.Equal(2, (await PortholeProcess.RunAsync(arguments, server)).ExitCode);
        Assert.False(server.HasRequest);
    }

    [Fact]
    public async Task What_it_is_made_of_has_to_be_said()
    {
        await using var server = await ScriptedServer.StartAsync();
        var result = await PortholeProcess.RunAsync(["runtime", "create", "agent"], server);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("--image", result.Error);
    }

    [Fact]
    public async Task Endpoints_are_a_table()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["endpoint", "list", "--runtime", Arn], server);
        await AnswerAsync(server, """{"runtimeEndpoints":[{"name":"DEFAULT","liveVersion":"2","targetVersion":"3","status":"UPDATING","lastUpdatedAt":"2026-01-01T00:00:00Z"}]}""");
        var lines = (await running).Output.Split('\n');
        Assert.StartsWith("NAME     LIVE  TARGET  STATUS", lines[0]);
        Assert.StartsWith("DEFAULT  2     3       UPDATING", lines[1]);
    }

    [Fact]
    public async Task Deleting_waits_until_it_is_gone()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["runtime", "delete", Arn], server);
        await AnswerAsync(server, """{"status":"DELETING"}""");
        await DescribeAsync(server, "DELETING");
        await (await server.NextAsync()).RefuseAsync(AwsError.NotFound("gone"));
        Assert.Equal(new PortholeResult(0, "", ""), await running);
    }

    private static Task<byte[]> DescribeAsync(ScriptedServer server, string status, string more = "") => AnswerAsync(
        server, $$$"""{"agentRuntimeArn":"{{{Arn}}}","agentRuntimeId":"{{{Id}}}","agentRuntimeArtifact":{"containerConfiguration":{"containerUri":"host"}},"status":"{{{status}}}"{{{more}}}}""");

    private static async Task<byte[]> AnswerAsync(ScriptedServer server, string body)
    {
        var request = await server.NextAsync();
        var sent = await request.BodyAsync();
        await request.AnswerAsync(200, "application/json", Encoding.UTF8.GetBytes(body));
        return sent;
    }
}
