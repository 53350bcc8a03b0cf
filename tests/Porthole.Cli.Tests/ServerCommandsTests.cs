using System.Text;
using System.Text.Json;
using Porthole.Client.Tests;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Cli.Tests;

public sealed class ServerCommandsTests
{
    private const string TwoSessions =
        """
        [{"sessionId":"one","runtimeArn":"arn:aws:bedrock-agentcore:r:1:runtime/sandbox-abcdefghij","qualifier":"DEFAULT","state":"ACTIVE",
          "createdAt":"2026-01-01T00:00:00Z","shells":[{"shellId":"a","attached":true},{"shellId":"[b]","attached":false}]},
         {"sessionId":"two","runtimeArn":"x","qualifier":"DEFAULT","state":"STARTING","createdAt":"2026-01-01T00:00:00Z","shells":[]}]
        """;

    [Fact]
    public async Task Sessions_are_a_table_of_whole_ids()
    {
        var result = await ListAsync("table");
        var lines = result.Output.Split('\n');
        Assert.StartsWith("SESSION  RUNTIME", lines[0]);
        Assert.StartsWith("one      sandbox-abcdefghij  ACTIVE", lines[1]);
        Assert.EndsWith("a (attached) [b]", lines[1].TrimEnd());
        Assert.StartsWith("two", lines[2]);
    }

    [Fact]
    public async Task Or_ids_or_json_for_programs()
    {
        Assert.Equal("one\ntwo\n", (await ListAsync("ids")).Output);
        using var json = JsonDocument.Parse((await ListAsync("json")).Output);
        Assert.Equal("two", json.RootElement[1].GetProperty("sessionId").GetString());
    }

    [Fact]
    public async Task Every_session_named_is_stopped_also_behind_one_that_does_not_exist()
    {
        await using var server = await ScriptedServer.StartAsync();
        var (gone, there) = (new string('g', 33), new string('t', 33));
        var running = PortholeProcess.RunAsync(["session", "stop", gone, there], server);

        // Both are asked for beside each other, so either may come first.
        ScriptedRequest[] requests = [await server.NextAsync(), await server.NextAsync()];
        await requests.Single(request => request.Header(SessionId.HeaderName) == gone).RefuseAsync(AwsError.NotFound("there is no such session"));
        await requests.Single(request => request.Header(SessionId.HeaderName) == there).AnswerAsync(200, "application/json", "{}"u8.ToArray());
        Assert.Equal(new PortholeResult(1, "", "porthole: there is no such session (request request-1)\n"), await running);
    }

    [Fact]
    public async Task Without_any_server_the_error_says_how_to_get_one()
    {
        var result = await PortholeProcess.RunAsync(["exec", "true"]);
        Assert.Equal(255, result.ExitCode);
        Assert.Equal("porthole: No server has run on /nonexistent yet. Start one with: porthole serve --data-dir /nonexistent\n", result.Error);
    }

    [Fact]
    public async Task A_runtime_that_the_server_does_not_know_is_an_error_that_says_how_to_list_them()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["shell", "--runtime", "other"], server);
        await (await server.NextAsync()).AnswerAsync(200, "application/json", """{"agentRuntimes":[]}"""u8.ToArray());
        var result = await running;
        Assert.Equal(255, result.ExitCode);
        Assert.Contains("'porthole runtime list'", result.Error);
    }

    [Fact]
    public async Task A_runtime_of_another_name_is_looked_up_on_every_page_of_the_servers_list()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["shell", "--runtime", "other"], server);
        var first = await server.NextAsync();
        Assert.Equal(("POST", "/runtimes/"), (first.Method, first.RawTarget));
        await first.AnswerAsync(200, "application/json", """{"agentRuntimes":[],"nextToken":"a b"}"""u8.ToArray());
        var second = await server.NextAsync();
        Assert.Equal("/runtimes/?nextToken=a%20b", second.RawTarget);
        await second.AnswerAsync(200, "application/json", Encoding.UTF8.GetBytes(
            """{"agentRuntimes":[{"agentRuntimeName":"other","agentRuntimeArn":"arn:aws:bedrock-agentcore:r:000000000000:runtime/other-abcdefghij"}]}"""));
        var opened = await server.NextAsync();
        Assert.Contains("other-abcdefghij", opened.RawTarget);
        await opened.RefuseAsync(AwsError.AccessDenied("no"));
        await running;
    }

    [Fact]
    public async Task A_runtime_can_be_named_by_its_name_or_id()
    {
        foreach (var name in new[] { "sandbox", "sandbox-abcdefghij" })
        {
            await using var server = await ScriptedServer.StartAsync();
            var running = PortholeProcess.RunAsync(["shell", "--runtime", name], server);
            var request = await server.NextAsync();
            Assert.Contains("sandbox-abcdefghij", request.RawTarget);
            await request.RefuseAsync(AwsError.AccessDenied("no"));
            await running;
        }
    }

    [Fact]
    public async Task Env_prints_what_bash_json_and_dotenv_read()
    {
        var directory = Directory.CreateTempSubdirectory("it's ");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory.FullName, "server.json"), """
                {"processId":1,"endpoints":["http://127.0.0.1:1"],"region":"eu-x-1","accountId":"000000000000","defaultRuntimeArn":"arn:x"}
                """);
            string[] arguments = ["env", "--data-dir", directory.FullName];
            var credentials = Path.Combine(directory.FullName, "credentials");

            var sh = (await PortholeProcess.RunAsync(arguments)).Output;
            Assert.Contains($"export AWS_SHARED_CREDENTIALS_FILE='{credentials.Replace("'", "'\\''", StringComparison.Ordinal)}'\n", sh);
            Assert.Contains("export PORTHOLE_RUNTIME_ARN='arn:x'\n", sh);
            Assert.EndsWith("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE\n", sh);

            using var json = JsonDocument.Parse((await PortholeProcess.RunAsync([.. arguments, "--format", "json"])).Output);
            Assert.Equal(credentials, json.RootElement.GetProperty("AWS_SHARED_CREDENTIALS_FILE").GetString());
            Assert.Contains("AWS_REGION=\"eu-x-1\"\nAWS_DEFAULT_REGION=\"eu-x-1\"\n", (await PortholeProcess.RunAsync([.. arguments, "--format", "dotenv"])).Output);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<PortholeResult> ListAsync(string format)
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(format == "table" ? ["session", "list"] : ["session", "list", "--" + format], server);
        await (await server.NextAsync()).AnswerAsync(200, "application/json", Encoding.UTF8.GetBytes(TwoSessions));
        return await running;
    }
}
