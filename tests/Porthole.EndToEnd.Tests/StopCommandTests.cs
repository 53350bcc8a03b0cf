using Porthole.EndToEnd.Tests.Harness;
using Porthole.Posix;

namespace Porthole.EndToEnd.Tests;

public sealed class StopCommandTests
{
    [Fact]
    public async Task Stop_ends_the_server_and_its_sessions_go_on_with_the_next_one()
    {
        await using var server = await TestServer.StartAsync();
        using var api = new ApiClient(server);
        var session = ShellClient.NewSessionId();
        await api.RunCommandAsync(session, "echo kept > /root/note; setsid sleep 1000 >/dev/null 2>&1 &");

        var stop = await server.RunAsync("stop");

        Assert.Equal((0, ""), (stop.ExitCode, stop.Output));
        Assert.Equal(0, await server.ExitAsync());
        Assert.NotEmpty(Leftovers.Of(server.DataDirectory, Leftovers.SandboxIds(server.DataDirectory)));
        await server.StartAgainAsync();
        Assert.Equal("kept\n1\n", (await api.RunCommandAsync(session, "cat /root/note; grep -lx sleep /proc/[0-9]*/comm | wc -l")).Stdout);
    }

    [Fact]
    public async Task Stop_all_leaves_no_process_mount_control_group_or_file_of_any_session()
    {
        await using var server = await TestServer.StartAsync();
        var ids = await StartTwoBusySessionsAsync(server);

        var stop = await server.RunAsync("stop", "--all");

        Assert.True(stop.ExitCode == 0, stop.Errors);
        Assert.Equal(0, await server.ExitAsync());
        AssertNothingIsLeft(server, ids);
    }

    [Fact]
    public async Task Stop_all_ends_what_a_killed_server_left_and_says_so()
    {
        await using var server = await TestServer.StartAsync();
        var ids = await StartTwoBusySessionsAsync(server);
        await server.KillAsync();
        Assert.NotEmpty(Leftovers.Of(server.DataDirectory, ids));

        var stop = await server.RunAsync("stop", "--all");

        Assert.True(stop.ExitCode == 0, stop.Errors);
        Assert.Contains("no server runs on", stop.Errors);
        Assert.Contains("2 session", stop.Errors);
        AssertNothingIsLeft(server, ids);
    }

    [Fact]
    public async Task Stop_may_be_repeated_and_says_that_there_is_nothing_to_stop()
    {
        await using var server = await TestServer.StartAsync();
        await server.RunAsync("stop", "--all");

        foreach (var arguments in (string[][])[["stop"], ["stop", "--all"]])
        {
            var again = await server.RunAsync(arguments);

            Assert.Equal(0, again.ExitCode);
            Assert.Contains("no server runs on", again.Errors);
        }
    }

    [Fact]
    public async Task Stop_on_a_directory_that_no_server_has_used_fails_and_makes_nothing()
    {
        var missing = Path.Combine(Path.GetTempPath(), $"porthole-none-{Guid.NewGuid():N}");

        var stop = await PortholeProgram.RunAsync(null, "stop", "--all", "--data-dir", missing);

        Assert.Equal(1, stop.ExitCode);
        Assert.Contains("no data directory", stop.Errors);
        Assert.False(Path.Exists(missing));
    }

    [Fact]
    public async Task A_server_that_does_not_react_is_named_with_its_pid_and_what_to_do()
    {
        await using var server = await TestServer.StartAsync();
        _ = Libc.Kill(server.ProcessId, Libc.SIGSTOP);
        try
        {
            var stop = await server.RunAsync("stop", "--timeout", "1");

            Assert.Equal(1, stop.ExitCode);
            Assert.Contains($"kill -9 {server.ProcessId}", stop.Errors);
        }
        finally
        {
            _ = Libc.Kill(server.ProcessId, Libc.SIGCONT);
        }
    }

    private static async Task<IReadOnlyList<string>> StartTwoBusySessionsAsync(TestServer server)
    {
        using var api = new ApiClient(server);
        foreach (var session in (string[])[ShellClient.NewSessionId(), ShellClient.NewSessionId()])
            await api.RunCommandAsync(session, "head -c 1M /dev/urandom > /root/file; setsid sleep 1000 >/dev/null 2>&1 &");
        return Leftovers.SandboxIds(server.DataDirectory);
    }

    private static void AssertNothingIsLeft(TestServer server, IReadOnlyList<string> sandboxIds)
    {
        Assert.Equal(2, sandboxIds.Count);
        Assert.Empty(Leftovers.Of(server.DataDirectory, sandboxIds));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(server.DataDirectory, "sessions")));
        var groups = Directory.EnumerateDirectories("/sys/fs/cgroup", "porthole-*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true });
        Assert.DoesNotContain(groups, group => sandboxIds.Any(group.Contains));
    }
}
