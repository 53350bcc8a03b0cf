using System.Text;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Posix;

namespace Porthole.EndToEnd.Tests;

/// <summary>What <c>porthole audit</c> tells of what was done with a server, and what it does not.</summary>
public sealed class AuditTests
{
    private const string Secret = "correct-horse-battery-staple";

    [Fact]
    public async Task Calls_refusals_and_both_ends_of_a_shell_are_told_without_what_was_said()
    {
        await using var server = await TestServer.StartAsync();
        using var api = new ApiClient(server);
        var sessionId = ShellClient.NewSessionId();
        Assert.Equal(7, (await api.RunCommandAsync(sessionId, $"echo {Secret}; exit 7", 30)).ExitCode);
        var shell = await ShellClient.OpenAsync(new Upgrade
        {
            Server = server,
            SessionHeader = sessionId,
            Query = "shellId=debug",
            MoreHeaders = $"Sec-WebSocket-Protocol: {Secret}\r\nUser-Agent: audit-test/1.0\r\n",
        });
        await shell.SendAsync($"{Secret}\n");
        await shell.ReadUntilAsync(Secret);
        await shell.DetachAsync();
        var (_, refused) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, Credentials = new(server.Credentials.AccessKeyId, Secret) });
        Assert.Equal(403, refused.Status);

        var lines = await WaitForAsync(server, 4);

        var command = Single(lines, "InvokeAgentRuntimeCommand");
        Assert.Equal(sessionId, command.GetProperty("requestParameters").GetProperty("runtimeSessionId").GetString());
        Assert.Equal(30, command.GetProperty("requestParameters").GetProperty("timeout").GetInt32());
        Assert.Equal(7, command.GetProperty("responseElements").GetProperty("exitCode").GetInt32());
        Assert.Equal(server.Credentials.AccessKeyId, command.GetProperty("userIdentity").GetProperty("accessKeyId").GetString());
        Assert.Equal(server.RuntimeArn, command.GetProperty("resources")[0].GetProperty("ARN").GetString());

        var opened = lines.Single(line => Name(line) == "InvokeAgentRuntimeCommandShell" && !line.TryGetProperty("errorCode", out _));
        Assert.Equal("debug", opened.GetProperty("requestParameters").GetProperty("shellId").GetString());
        Assert.Equal("audit-test/1.0", opened.GetProperty("userAgent").GetString());
        Assert.Equal("127.0.0.1", opened.GetProperty("sourceIPAddress").GetString());
        Assert.Equal(shell.Answer.Header("x-amzn-RequestId"), opened.GetProperty("requestID").GetString());

        var ended = Single(lines, "CommandShellDisconnected");
        Assert.Equal(opened.GetProperty("requestID").GetString(), ended.GetProperty("requestID").GetString());
        var details = ended.GetProperty("serviceEventDetails");
        Assert.Equal(("Detached", 1000, Secret.Length + 1), (details.GetProperty("end").GetString(), details.GetProperty("closeCode").GetInt32(), details.GetProperty("bytesIn").GetInt32()));

        var denied = lines.Single(line => line.TryGetProperty("errorCode", out _));
        Assert.Equal("AccessDeniedException", denied.GetProperty("errorCode").GetString());
        Assert.Equal("Unknown", denied.GetProperty("userIdentity").GetProperty("type").GetString());

        Assert.DoesNotContain(Secret, string.Join('\n', lines), StringComparison.Ordinal);
        Assert.Equal(["InvokeAgentRuntimeCommandShell"], (await AuditAsync(server, "--errors")).Select(Name));
        Assert.Equal(3, (await AuditAsync(server, "--session-id", sessionId)).Count);
        Assert.Equal(3, (await AuditAsync(server, "--principal", server.Credentials.AccessKeyId)).Count);
        Assert.Empty(await AuditAsync(server, "--until", "1h"));
        var table = (await server.RunAsync("audit")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5, table.Length);
        Assert.StartsWith("TIME", table[0]);
        Assert.Contains(table, row => row.Contains("exit 7", StringComparison.Ordinal) && row.Contains(sessionId, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_text_of_a_command_is_told_when_the_setting_asks_for_it()
    {
        await using var server = await TestServer.StartAsync("""
            "audit": { "commandText": true }
            """);
        using var api = new ApiClient(server);
        await api.RunCommandAsync(ShellClient.NewSessionId(), "echo told");
        var command = Single(await WaitForAsync(server, 1), "InvokeAgentRuntimeCommand");
        Assert.Equal("echo told", command.GetProperty("requestParameters").GetProperty("command").GetString());
    }

    [Fact]
    public async Task A_session_that_ends_by_itself_is_told_with_the_reason_and_who_started_it()
    {
        await using var server = await TestServer.StartAsync("""
            "idleTimeout": 1
            """);
        using var api = new ApiClient(server);
        var sessionId = ShellClient.NewSessionId();
        await api.RunCommandAsync(sessionId, "true");
        var ended = Single(await WaitForAsync(server, 2), "RuntimeSessionEnded");
        var details = ended.GetProperty("serviceEventDetails");
        Assert.Equal(("Idle", server.Credentials.AccessKeyId), (details.GetProperty("end").GetString(), details.GetProperty("startedBy").GetString()));
        Assert.Equal(sessionId, ended.GetProperty("requestParameters").GetProperty("runtimeSessionId").GetString());
        Assert.Equal(server.RuntimeArn, ended.GetProperty("resources")[0].GetProperty("ARN").GetString());
        Assert.Contains((await server.RunAsync("audit")).Output.Split('\n'), row =>
            row.Contains("RuntimeSessionEnded", StringComparison.Ordinal) && row.Contains("Idle", StringComparison.Ordinal) && row.Contains(sessionId, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Following_shows_a_call_when_it_is_over_and_ends_by_Ctrl_C()
    {
        await using var server = await TestServer.StartAsync();
        using var api = new ApiClient(server);
        using var follow = PortholeProgram.Start(null, "audit", "--json", "--follow", "--data-dir", server.DataDirectory);
        try
        {
            var line = follow.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
            await api.ListSessionsAsync();
            using var deadline = Patience.Deadline();
            Assert.Equal("ListSessions", Name(JsonElement.Parse(Encoding.UTF8.GetBytes((await line.AsTask().WaitAsync(deadline.Token))!))));
            _ = Libc.Kill(follow.Id, Libc.SIGINT);
            await follow.WaitForExitAsync(deadline.Token);
            Assert.Equal((130, ""), (follow.ExitCode, await follow.StandardError.ReadToEndAsync(deadline.Token)));
        }
        finally
        {
            follow.Kill();
        }
    }

    private static async Task<IReadOnlyList<JsonElement>> WaitForAsync(TestServer server, int count)
    {
        IReadOnlyList<JsonElement> lines = [];
        await Patience.UntilAsync($"{count} lines", async () => (lines = await AuditAsync(server)).Count >= count);
        return lines;
    }

    private static async Task<IReadOnlyList<JsonElement>> AuditAsync(TestServer server, params string[] options)
    {
        var (exitCode, output, errors) = await server.RunAsync(["audit", "--json", .. options]);
        Assert.True(exitCode == 0, errors);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(Encoding.UTF8.GetBytes(line)))];
    }

    private static JsonElement Single(IEnumerable<JsonElement> lines, string name) => lines.Single(line => Name(line) == name);

    private static string? Name(JsonElement line) => line.GetProperty("eventName").GetString();
}
