using System.Diagnostics;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Posix;

namespace Porthole.EndToEnd.Tests;

/// <summary>Sessions from their first use to their end (contract section 10).</summary>
public sealed class SessionTests(SharedServer shared)
{
    private readonly TestServer _shared = shared.Server;

    [Fact]
    public async Task While_a_session_starts_everybody_else_gets_409_and_may_retry()
    {
        using var slow = new SlowStart();
        await using var server = await TestServer.StartAsync("", slow.Environment);
        var sessionId = ShellClient.NewSessionId();
        var (first, _) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = sessionId });
        var (_, refusal) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = sessionId });
        refusal.AssertError(409, "RetryableConflictException", "Session operation in progress, please retry");
        using var api = new ApiClient(server);
        using var command = await api.StartCommandAsync(sessionId, "true", null, TestContext.Current.CancellationToken);
        Assert.Equal((409, "RetryableConflictException"), ((int)command.StatusCode, command.Headers.GetValues("x-amzn-ErrorType").Single()));
        slow.Release();
        await first!.ReadConfirmationAsync();
        using var second = await ShellClient.OpenAsync(server, sessionId);
        first.Dispose();
    }

    [Fact]
    public async Task While_a_session_stops_everybody_else_gets_409_and_its_shells_are_taken_away()
    {
        using var slow = new SlowStart();
        await using var server = await TestServer.StartAsync("", slow.Environment);
        using var api = new ApiClient(server);
        var sessionId = ShellClient.NewSessionId();
        var (client, _) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = sessionId });

        // Its end has to wait for its start.
        var stopping = api.StopSessionAsync(sessionId);
        await AssertTakenAwayAsync(client!);
        client!.Dispose();
        var (_, refusal) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = sessionId });
        refusal.AssertError(409, "RetryableConflictException", "Session operation in progress, please retry");
        using var command = await api.StartCommandAsync(sessionId, "true");
        Assert.Equal(409, (int)command.StatusCode);
        using var second = await api.StopSessionAsync(sessionId);
        Assert.Equal((409, "RetryableConflictException"), ((int)second.StatusCode, second.Headers.GetValues("x-amzn-ErrorType").Single()));
        slow.Release();
        using var stopped = await stopping;
        Assert.Equal(200, (int)stopped.StatusCode);
        Assert.Equal("fresh\n", (await api.RunCommandAsync(sessionId, "echo fresh")).Stdout);
    }

    [Fact]
    public async Task Two_clients_that_claim_one_shell_in_the_same_instant_get_one_shell_and_a_conflict()
    {
        await using var server = await TestServer.StartAsync();
        using var warm = await ShellClient.OpenAsync(server);
        var guest = GuestProcess(server);
        _ = Libc.Kill(guest, Libc.SIGSTOP);
        var request = new Upgrade { Server = server, SessionHeader = warm.SessionId, Query = "shellId=wanted" };
        var (first, answer) = await ShellClient.TryOpenAsync(request);
        Assert.Equal(101, answer.Status);
        var (_, refusal) = await ShellClient.TryOpenAsync(request);
        refusal.AssertError(409, "ConflictException", "wanted");
        _ = Libc.Kill(guest, Libc.SIGCONT);
        await first!.ReadConfirmationAsync();
        using var takesOver = await ShellClient.OpenAsync(server, warm.SessionId, "wanted");
        Assert.True(takesOver.Reconnected);
        first.Dispose();
    }

    [Fact]
    public async Task A_session_without_activity_ends_and_an_attached_shell_or_a_command_is_activity()
    {
        await using var server = await TestServer.StartAsync("""
            "idleTimeout": 1
            """);
        using var api = new ApiClient(server);
        using var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        await client.RunAsync("sleep 3");
        await client.DetachAsync();
        Assert.Equal(0, (await api.RunCommandAsync(client.SessionId, "sleep 3")).ExitCode);
        var directory = server.OnlySessionDirectory();
        await Patience.UntilAsync("the session to end", async () => (await api.ListSessionsAsync()).GetArrayLength() == 0);
        await Patience.UntilAsync("its directory to be gone", () => !Directory.Exists(directory));
        using var fresh = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.False(fresh.Reconnected);
    }

    [Fact]
    public async Task A_session_that_reaches_its_longest_life_takes_its_shells_away()
    {
        await using var server = await TestServer.StartAsync("""
            "maxLifetime": 2
            """);
        using var client = await ShellClient.OpenAsync(server);
        await AssertTakenAwayAsync(client);
        await server.Log.WaitForAsync("longest life");
        using var fresh = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.False(fresh.Reconnected);
    }

    [Fact]
    public async Task A_sandbox_that_is_killed_from_outside_takes_its_shells_along_and_the_next_use_makes_a_fresh_one()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ShellClient.OpenAsync(server);
        using var state = StateOf(server);
        _ = Libc.Kill(state.RootElement.GetProperty("inner").GetProperty("pid").GetInt32(), Libc.SIGKILL);
        await AssertTakenAwayAsync(client);
        await server.Log.WaitForAsync("ended (the session's sandbox has ended)");
        using var fresh = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.False(fresh.Reconnected);
        await fresh.QuietAsync();
        Assert.Equal("works\n", await fresh.RunAsync("echo works"));
    }

    [Fact]
    public async Task A_sandbox_that_dies_under_a_command_ends_its_stream_with_an_exception()
    {
        await using var server = await TestServer.StartAsync();
        using var api = new ApiClient(server);
        using var running = await api.StartCommandAsync(ShellClient.NewSessionId(), "sleep 1000", null, TestContext.Current.CancellationToken);
        using var state = StateOf(server);
        _ = Libc.Kill(state.RootElement.GetProperty("inner").GetProperty("pid").GetInt32(), Libc.SIGKILL);
        Assert.Equal("runtimeClientError", (await ApiClient.ReadResultAsync(running)).Exception);
    }

    [Fact]
    public async Task A_stopped_session_is_gone_with_everything_and_its_id_makes_a_fresh_one()
    {
        var sessionId = ShellClient.NewSessionId();
        using var api = new ApiClient(_shared);
        await api.RunCommandAsync(sessionId, "echo here > /root/file");
        var started = Stopwatch.GetTimestamp();
        using var stopped = await api.StopSessionAsync(sessionId);
        Assert.Equal(200, (int)stopped.StatusCode);
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 15);
        Assert.Equal(sessionId, stopped.Headers.GetValues(ApiClient.SessionHeader).Single());
        using var again = await api.StopSessionAsync(sessionId);
        Assert.Equal(404, (int)again.StatusCode);
        Assert.Equal(1, (await api.RunCommandAsync(sessionId, "cat /root/file")).ExitCode);
    }

    [Fact]
    public async Task One_session_sees_nothing_of_another()
    {
        using var one = await ShellClient.OpenAsync(_shared);
        using var two = await ShellClient.OpenAsync(_shared);
        await one.QuietAsync();
        await two.QuietAsync();
        await one.RunAsync("echo secret > /tmp/mark; echo secret > /root/mark; echo secret > /dev/shm/mark; sleep 5151 & exec 9<>/dev/ptmx");
        await one.RunAsync("perl -MIO::Socket -e '$s=IO::Socket::INET->new(Listen=>1,LocalAddr=>\"127.0.0.1:8080\") or die; print \"up\\n\"; $s->accept' & while ! bash -c '</dev/tcp/127.0.0.1/8080' 2>/dev/null; do sleep 0.05; done");
        Assert.Equal("", await two.RunAsync("cat /tmp/mark /root/mark /dev/shm/mark 2>/dev/null; pgrep -f 'sleep 5151'; bash -c '</dev/tcp/127.0.0.1/8080' 2>/dev/null && echo reached"));
        await one.CloseShellAsync();
        await two.CloseShellAsync();
    }

    [Fact]
    public async Task Started_as_root_every_session_has_a_user_id_of_its_own_on_the_host()
    {
        await using var server = await TestServer.StartAsync();
        using var one = await ShellClient.OpenAsync(server);
        using var two = await ShellClient.OpenAsync(server);
        var users = Directory.EnumerateDirectories(Path.Combine(server.DataDirectory, "sessions")).Select(HostUserOf).ToList();
        Assert.Equal(2, users.Count);
        if (Environment.IsPrivilegedProcess)
            Assert.True(users[0] != users[1] && !users.Contains("0"), string.Join(", ", users));
        else
            Assert.All(users, user => Assert.NotEqual("0", user));
    }

    [Fact]
    public async Task The_environment_inside_is_the_documented_one()
    {
        using var client = await ShellClient.OpenAsync(_shared, shellId: "env-1");
        await client.QuietAsync();
        var environment = (await client.RunAsync("env")).Split('\n', StringSplitOptions.RemoveEmptyEntries).ToDictionary(line => line.Split('=', 2)[0], line => line.Split('=', 2)[1]);
        Assert.Equal("/root", environment["HOME"]);
        Assert.Equal("xterm-256color", environment["TERM"]);
        Assert.Equal("truecolor", environment["COLORTERM"]);
        Assert.Contains("UTF-8", environment["LANG"], StringComparison.Ordinal);
        Assert.Equal(client.SessionId, environment["PORTHOLE_SESSION_ID"]);
        Assert.Equal("env-1", environment["PORTHOLE_SHELL_ID"]);
        Assert.Equal("0 /\n", await client.RunAsync("echo $(id -u) $PWD"));
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task The_shell_that_was_detached_longest_ago_goes_when_there_are_too_many()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "maxAttachedShells": 2, "maxShells": 3 }
            """);
        var sessionId = ShellClient.NewSessionId();
        foreach (var shellId in (string[])["a", "b", "c"])
            await (await ShellClient.OpenAsync(server, sessionId, shellId)).DetachAsync();
        using var fourth = await ShellClient.OpenAsync(server, sessionId, "d");
        using var second = await ShellClient.OpenAsync(server, sessionId, "b");
        Assert.True(second.Reconnected);
        await second.DetachAsync();
        await Patience.UntilAsync("b to be detached", async () => await AttachedCountAsync(server) == 1);
        using var first = await ShellClient.OpenAsync(server, sessionId, "a");
        Assert.False(first.Reconnected);
    }

    private static async Task<int> AttachedCountAsync(TestServer server)
    {
        using var api = new ApiClient(server);
        return (await api.ListSessionsAsync())[0].GetProperty("shells").EnumerateArray().Count(shell => shell.GetProperty("attached").GetBoolean());
    }

    private static async Task AssertTakenAwayAsync(ShellClient client)
    {
        using var deadline = Patience.Deadline();
        RawFrame frame;
        do
            frame = await client.ReadAsync(deadline.Token);
        while (frame.Opcode == RawFrame.Binary && frame.Payload[0] == ShellClient.Stdout);
        Assert.Equal([ShellClient.Close], frame.Payload);
        Assert.Equal(1000, (await client.ReadCloseAsync()).CloseCode);
    }

    private static JsonDocument StateOf(TestServer server) => StateOf(server.OnlySessionDirectory());

    private static JsonDocument StateOf(string sessionDirectory) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(sessionDirectory, "state.json")));

    // The real user id of a sandbox's first process, as the host sees it.
    private static string HostUserOf(string sessionDirectory)
    {
        using var state = StateOf(sessionDirectory);
        var pid = state.RootElement.GetProperty("inner").GetProperty("pid").GetInt32();
        return File.ReadLines($"/proc/{pid}/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];
    }

    // The guest is the child of the sandbox's first process.
    private static int GuestProcess(TestServer server)
    {
        using var state = StateOf(server);
        var inner = state.RootElement.GetProperty("inner").GetProperty("pid").GetInt32();
        var children = File.ReadAllText($"/proc/{inner}/task/{inner}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(Assert.Single(children));
    }
}
