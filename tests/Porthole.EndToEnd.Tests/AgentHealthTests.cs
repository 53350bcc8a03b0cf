using System.Text.Json.Nodes;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>What an agent says of its health, and what that does to its session; and its log (contract section 9.2).</summary>
public sealed class AgentHealthTests
{
    // Sessions are looked at once a second, agents four times.
    private const string Fast = """
        "idleTimeout": 3, "agents": { "startTimeout": 4, "healthInterval": 0.25, "healthTimeout": 2 }
        """;

    [Fact]
    public async Task HealthyBusy_keeps_the_session_and_the_idle_clock_begins_when_that_ends()
    {
        await using var server = await TestServer.StartAsync(Fast);
        using var agent = await AgentClient.OfNewRuntimeAsync(server);
        await agent.AskAsync("busy", "HealthyBusy");
        var busySince = DateTime.UtcNow;
        await Patience.UntilAsync("twice the idle time to pass", () => DateTime.UtcNow - busySince > TimeSpan.FromSeconds(6));
        Assert.True(IsAlive(server), "a busy session was ended");

        await agent.AskAsync("busy", "Healthy");
        await Patience.UntilAsync("the idle session to end", () => !IsAlive(server) && server.Log.Text.Contains("ended (the session was idle)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_time_of_last_update_that_moves_with_every_question_does_not_keep_the_session()
    {
        await using var server = await TestServer.StartAsync(Fast);
        using var agent = await AgentClient.OfNewRuntimeAsync(server);
        await agent.AskAsync("moves");
        await Patience.UntilAsync("the idle session to end", () => !IsAlive(server));
    }

    [Fact]
    public async Task An_agent_that_is_never_healthy_is_424_with_what_was_seen_and_its_log_can_be_read()
    {
        await using var server = await TestServer.StartAsync(Fast);
        var arn = await AgentRuntime.CreateAsync(server, configuration => configuration["environmentVariables"] = new JsonObject
        {
            ["PORTHOLE_AGENT_COMMAND"] = "echo my last words; exec sleep 1001",
        });
        using var agent = new AgentClient(server, arn);
        var message = await agent.FailAsync("echo");
        Assert.Contains("not healthy within 4 s", message, StringComparison.Ordinal);
        Assert.Contains("Connection refused", message, StringComparison.Ordinal);
        Assert.Equal("my last words\n", await agent.ReadLogAsync());
    }

    [Theory]
    [InlineData("no-such-program", "ended with exit code 127")]
    [InlineData("exec kill -9 $$", "signal 9")]
    public async Task An_agent_that_ends_before_it_is_healthy_is_424_that_says_how(string command, string how)
    {
        await using var server = await TestServer.StartAsync(Fast);
        var arn = await AgentRuntime.CreateAsync(server, configuration => configuration["environmentVariables"] = new JsonObject
        {
            ["PORTHOLE_AGENT_COMMAND"] = command,
        });
        using var agent = new AgentClient(server, arn);
        Assert.Contains(how, await agent.FailAsync("echo"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flood_of_words_keeps_the_newest_and_the_command_line_shows_and_follows_them()
    {
        await using var server = await TestServer.StartAsync();
        using var agent = await AgentClient.OfNewRuntimeAsync(server);
        await agent.AskAsync("print", new string('x', 3 << 20) + "\nthe end\n");
        var log = await agent.ReadLogAsync();
        Assert.InRange(log.Length, 1 << 20, (1 << 20) + 100);
        Assert.StartsWith("\n[porthole: ", log, StringComparison.Ordinal);
        Assert.Contains("x\nthe end\n", log, StringComparison.Ordinal);

        var following = server.RunAsync("logs", "--runtime", agent.RuntimeArn, "--follow");
        await agent.AskAsync("print", "a new word\n");
        await agent.FailAsync("exit", "5");
        var (exitCode, output, errors) = await following.InTime();
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.EndsWith("asked for exit\n\n[porthole: the agent has ended with exit code 5]\n", output, StringComparison.Ordinal);
        Assert.Contains("a new word\nan error too\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_invokes_and_shows_the_answer_as_it_is()
    {
        await using var server = await TestServer.StartAsync();
        using var agent = await AgentClient.OfNewRuntimeAsync(server);
        var (exitCode, output, errors) = await server.RunAsync(
            "invoke", "--runtime", agent.RuntimeArn, "--session-id", agent.SessionId, "--payload", """{"prompt":"Grüße"}""").InTime();
        Assert.Equal((0, """{"prompt":"Grüße"}""", ""), (exitCode, output, errors));
        var refused = await server.RunAsync("invoke", "--payload", "{}").InTime();
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("This runtime has no agent", refused.Errors, StringComparison.Ordinal);
    }

    private static bool IsAlive(TestServer server) => Directory.EnumerateDirectories(Path.Combine(server.DataDirectory, "sessions")).Any();
}
