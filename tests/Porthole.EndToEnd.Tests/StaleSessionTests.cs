using System.Text.Json.Nodes;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>What a server may find of the one before it, besides sessions that live: it is recognised, cleared away, and in nobody's way.</summary>
public sealed class StaleSessionTests
{
    [Fact]
    public Task A_session_whose_processes_are_gone_is_cleared() => ClearedAsync((_, _) => { });

    [Fact]
    public Task A_session_whose_process_ids_belong_to_others_now_is_cleared_and_they_are_spared() => ClearedAsync((path, state) =>
    {
        foreach (var name in (string[])["outer", "inner"])
            state[name]!["pid"] = Environment.ProcessId;
        File.WriteAllText(path, state.ToJsonString());
    });

    [Fact]
    public Task A_session_with_a_half_written_state_is_cleared() => ClearedAsync((path, state) =>
        File.WriteAllText(path, state.ToJsonString()[..^40]));

    [Fact]
    public Task A_session_without_a_state_is_cleared() => ClearedAsync((path, _) => File.Delete(path));

    [Fact]
    public Task A_session_with_a_state_that_is_no_json_is_cleared() => ClearedAsync((path, _) => File.WriteAllBytes(path, [0, 255, 0, 255]));

    [Fact]
    public Task A_session_of_an_earlier_boot_is_cleared() => ClearedAsync((path, state) =>
    {
        state["bootId"] = Guid.NewGuid().ToString();
        File.WriteAllText(path, state.ToJsonString());
    });

    [Fact]
    public Task A_session_of_a_later_version_is_cleared() => ClearedAsync((path, state) =>
    {
        state["version"] = 99;
        File.WriteAllText(path, state.ToJsonString());
    });

    [Fact]
    public async Task A_session_that_the_store_does_not_know_is_ended_and_cleared()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ShellClient.OpenAsync(server);
        var directory = server.OnlySessionDirectory();
        var sandbox = Assert.Single(Leftovers.SandboxIds(server.DataDirectory));
        await server.KillAsync();
        foreach (var file in Directory.EnumerateFiles(server.DataDirectory, "porthole.db*"))
            File.Delete(file);
        await server.StartAgainAsync();
        Assert.False(Directory.Exists(directory));
        await Patience.UntilAsync("its processes to be gone", () => Leftovers.ProcessesOf(sandbox).Count == 0);
        using var next = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.False(next.Reconnected);
    }

    [Fact]
    public async Task An_empty_session_directory_and_a_strange_file_are_in_nobodys_way()
    {
        await using var server = await TestServer.StartAsync();
        await server.TerminateAsync();
        var empty = Directory.CreateDirectory(Path.Combine(server.DataDirectory, "sessions", "0123456789abcdef")).FullName;
        await File.WriteAllTextAsync(Path.Combine(server.DataDirectory, "sessions", "note.txt"), "hello", TestContext.Current.CancellationToken);
        await server.StartAgainAsync();
        Assert.False(Directory.Exists(empty));
        using var client = await ShellClient.OpenAsync(server);
        await client.CloseShellAsync();
    }

    private static async Task ClearedAsync(Action<string, JsonObject> change)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ShellClient.OpenAsync(server);
        var directory = server.OnlySessionDirectory();
        var sandbox = Assert.Single(Leftovers.SandboxIds(server.DataDirectory));
        await server.KillAsync();
        Leftovers.Kill(sandbox);
        await Patience.UntilAsync("the sandbox to be gone", () => Leftovers.ProcessesOf(sandbox).Count == 0);
        var path = Path.Combine(directory, "state.json");
        change(path, JsonNode.Parse(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken))!.AsObject());
        await server.StartAgainAsync();
        Assert.False(Directory.Exists(directory));
        using var api = new ApiClient(server);
        Assert.Equal(0, (await api.ListSessionsAsync()).GetArrayLength());

        using var next = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.False(next.Reconnected);
        await next.QuietAsync();
        Assert.Equal("works\n", await next.RunAsync("echo works"));
    }
}
