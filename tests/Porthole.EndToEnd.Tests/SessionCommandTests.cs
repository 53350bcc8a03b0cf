using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

public sealed class SessionCommandTests
{
    [Fact]
    public async Task A_session_is_listed_with_its_shells_until_it_is_stopped()
    {
        await using var server = await TestServer.StartAsync();
        using var shell = await ShellClient.OpenAsync(server);

        var table = await server.RunAsync("session", "list");
        var json = await server.RunAsync("session", "list", "--json");

        Assert.Contains(shell.SessionId, table.Output);
        Assert.Contains(shell.ShellId, table.Output);
        var listed = Assert.Single(JsonElement.Parse(json.Output).EnumerateArray());
        Assert.Equal(shell.SessionId, listed.GetProperty("sessionId").GetString());
        Assert.Equal(server.RuntimeArn, listed.GetProperty("runtimeArn").GetString());
        Assert.True(Assert.Single(listed.GetProperty("shells").EnumerateArray()).GetProperty("attached").GetBoolean());

        var stop = await server.RunAsync("session", "stop", shell.SessionId);

        Assert.True(stop.ExitCode == 0, stop.Errors);
        Assert.Empty(Directory.EnumerateDirectories(Path.Combine(server.DataDirectory, "sessions")));
        Assert.Equal("[]\n", (await server.RunAsync("session", "list", "--json")).Output);
    }

    [Fact]
    public async Task Stopping_a_session_that_is_not_there_fails_and_stops_the_others_all_the_same()
    {
        await using var server = await TestServer.StartAsync();
        using var shell = await ShellClient.OpenAsync(server);
        var missing = ShellClient.NewSessionId();

        var stop = await server.RunAsync("session", "stop", missing, shell.SessionId);

        Assert.Equal(1, stop.ExitCode);
        Assert.Contains(missing, stop.Errors);
        Assert.DoesNotContain(shell.SessionId, stop.Errors);
        Assert.Equal("[]\n", (await server.RunAsync("session", "list", "--json")).Output);
    }

    [Fact]
    public async Task Stop_all_ends_every_session_but_not_the_server()
    {
        await using var server = await TestServer.StartAsync();
        using var first = await ShellClient.OpenAsync(server);
        using var second = await ShellClient.OpenAsync(server);

        var stop = await server.RunAsync("session", "stop", "--all");
        var again = await server.RunAsync("session", "stop", "--all");

        Assert.True(stop.ExitCode == 0, stop.Errors);
        Assert.Equal(0, again.ExitCode);
        Assert.Equal("[]\n", (await server.RunAsync("session", "list", "--json")).Output);
    }

    [Fact]
    public async Task The_environment_of_porthole_env_is_enough_to_find_the_server()
    {
        await using var server = await TestServer.StartAsync();
        using var shell = await ShellClient.OpenAsync(server);
        var environment = JsonSerializer.Deserialize<Dictionary<string, string>>((await server.RunAsync("env", "--format", "json")).Output)!;

        var list = await PortholeProgram.RunAsync(environment, "session", "list");

        Assert.True(list.ExitCode == 0, list.Errors);
        Assert.Contains(shell.SessionId, list.Output);
    }

    [Fact]
    public async Task Without_a_server_the_error_says_how_to_start_one()
    {
        await using var server = await TestServer.StartAsync();
        await server.TerminateAsync();

        foreach (var arguments in (string[][])[["session", "list"], ["session", "stop", ShellClient.NewSessionId()]])
        {
            var run = await server.RunAsync(arguments);

            Assert.Equal(1, run.ExitCode);
            Assert.Contains($"porthole serve --data-dir {server.DataDirectory}", run.Errors);
        }
    }
}
