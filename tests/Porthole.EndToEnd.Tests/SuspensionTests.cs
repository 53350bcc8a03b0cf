using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>Sessions that are written to the disk and come back.</summary>
public sealed class SuspensionTests
{
    // Clients connect again.
    private const int ServerRestart = 1001;

    private static string Settings => $"{MicroVms.Settings}, \"warmMicroVms\": 0";

    [Fact]
    public async Task A_suspended_shell_comes_back_with_its_job_and_all_it_printed_also_from_another_server()
    {
        await using var server = await TestServer.StartAsync(Settings);
        using var api = new ApiClient(server);
        var shell = await ShellClient.OpenAsync(server, shellId: "sleeper");
        var session = shell.SessionId;
        await shell.QuietAsync();
        await shell.RunAsync("here=kept; (i=0; while sleep 0.05; do i=$((i+1)); echo $i > /tmp/ticks; done) & for i in $(seq 1 50); do [ -s /tmp/ticks ] && break; sleep 0.1; done");
        await shell.SendAsync("for i in $(seq 1 3000); do echo line $i; done; echo all''printed\n");
        await shell.ReadUntilAsync("line 100\n");

        var id = Leftovers.SandboxIds(server.DataDirectory).Single();
        await ChangeAsync(api, server, "suspend", session, 200);
        Assert.Equal(ServerRestart, (await shell.ReadCloseAsync()).CloseCode);
        Assert.Equal("SUSPENDED", await StateAsync(api, session));
        Assert.Empty(Leftovers.ProcessesOf(id));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.OnlySessionDirectory(), "memory")));

        await server.KillAsync();
        await server.StartAgainAsync();
        Assert.Equal("SUSPENDED", await StateAsync(api, session));
        var again = await ShellClient.OpenAsync(server, session, "sleeper");
        Assert.True(again.Reconnected);
        Assert.Equal(0, again.BytesDropped);
        var printed = shell.Output + await again.ReadUntilAsync("allprinted\n");
        Assert.Equal(string.Concat(Enumerable.Range(101, 2900).Select(static line => $"line {line}\n")), printed);
        Assert.Equal("kept 1\n", await again.RunAsync("echo $here $(jobs -r | grep -c while)"));
        Assert.Equal("on\n", await again.RunAsync("before=$(cat /tmp/ticks); for i in $(seq 1 50); do [ $(cat /tmp/ticks) -gt $before ] && echo on && break; sleep 0.1; done"));
        var inside = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(await again.RunAsync("date +%s%3N"), CultureInfo.InvariantCulture));
        Assert.InRange(inside, DateTimeOffset.UtcNow - TimeSpan.FromSeconds(2), DateTimeOffset.UtcNow + TimeSpan.FromSeconds(1));
        Assert.Equal("ACTIVE", await StateAsync(api, session));

        // What was changed once more is saved as well, and a command is a use like any other.
        await again.RunAsync("echo second > /tmp/life");
        await again.DetachAsync();
        await ChangeAsync(api, server, "suspend", session, 200);
        Assert.Equal("second\n", (await api.RunCommandAsync(session, "cat /tmp/life")).Stdout);
        await ChangeAsync(api, server, "suspend", session, 200);
        await ChangeAsync(api, server, "resume", session, 200);
        Assert.Equal("ACTIVE", await StateAsync(api, session));
        await ChangeAsync(api, server, "suspend", session, 200);
        using var stopped = await api.StopSessionAsync(session);
        Assert.Equal(200, (int)stopped.StatusCode);
        Assert.Empty(Directory.EnumerateDirectories(Path.Combine(server.DataDirectory, "sessions")));
        shell.Dispose();
        again.Dispose();
    }

    [Fact]
    public async Task An_idle_session_is_suspended_where_its_runtime_asks_for_it_and_the_next_command_finds_it()
    {
        await using var server = await TestServer.StartAsync($"{Settings}, \"idleTimeout\": 1");
        using var api = new ApiClient(server);
        using (var tagged = await api.PostAsync($"/tags/{Uri.EscapeDataString(server.RuntimeArn)}", """{"tags": {"porthole:when-idle": "suspend"}}"""))
            Assert.Equal(204, (int)tagged.StatusCode);
        var session = ShellClient.NewSessionId();
        await api.RunCommandAsync(session, "echo here > /tmp/file");
        await Patience.UntilAsync("the session to be suspended", async () => await StateAsync(api, session) == "SUSPENDED");
        Assert.Equal("here\n", (await api.RunCommandAsync(session, "cat /tmp/file")).Stdout);
        await Patience.UntilAsync("the session to be suspended again", async () => await StateAsync(api, session) == "SUSPENDED");

        // Without its memory it cannot come back, and says so; it can be stopped.
        File.Delete(Path.Combine(server.OnlySessionDirectory(), "memory"));
        using (var lost = await api.StartCommandAsync(session, "true"))
        {
            Assert.Equal(424, (int)lost.StatusCode);
            Assert.Contains("stays suspended", await lost.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        using var stopped = await api.StopSessionAsync(session);
        Assert.Equal(200, (int)stopped.StatusCode);
    }

    [Fact]
    public async Task A_session_that_cannot_be_written_or_whose_server_died_over_it_runs_on()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can mount a small disk");
        using var disk = await SmallDisk.MountAsync(megabytes: 500);
        await using var server = await TestServer.StartAsync(Settings, root: disk.Path);
        using var api = new ApiClient(server);
        var session = ShellClient.NewSessionId();
        await api.RunCommandAsync(session, "echo here > /tmp/file");
        var filler = disk.Fill(leaveMegabytes: 20);
        Assert.Contains("free space", await ChangeAsync(api, server, "suspend", session, 424), StringComparison.Ordinal);
        Assert.Equal("here\n", (await api.RunCommandAsync(session, "cat /tmp/file")).Stdout);
        Assert.Equal("ACTIVE", await StateAsync(api, session));
        Assert.False(File.Exists(Path.Combine(server.OnlySessionDirectory(), "memory")));
        File.Delete(filler);

        // As a server leaves it that is killed while it writes.
        await server.KillAsync();
        var state = Path.Combine(server.OnlySessionDirectory(), "state.json");
        await File.WriteAllTextAsync(state, (await File.ReadAllTextAsync(state)).Replace("\"suspension\": \"None\"", "\"suspension\": \"Paused\"", StringComparison.Ordinal));
        await File.WriteAllTextAsync(Path.Combine(server.OnlySessionDirectory(), "memory"), "half");
        PauseMachine(server.OnlySessionDirectory());
        await server.StartAgainAsync();
        Assert.Equal("here\n", (await api.RunCommandAsync(session, "cat /tmp/file")).Stdout);
        Assert.False(File.Exists(Path.Combine(server.OnlySessionDirectory(), "memory")));

        // Its output would be lost.
        using var running = await api.StartCommandAsync(session, "sleep 60", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("under way", await ChangeAsync(api, server, "suspend", session, 409), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_cannot_be_suspended_is_told_why_and_goes_on()
    {
        await using var server = await TestServer.StartAsync("\"isolation\": \"namespace\"");
        using var shell = await ShellClient.OpenAsync(server);
        var refused = await server.RunAsync("session", "suspend", shell.SessionId);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("only microVMs can be suspended", refused.Errors, StringComparison.Ordinal);
        await shell.QuietAsync();
        using var api = new ApiClient(server);
        Assert.Contains("does not exist", await ChangeAsync(api, server, "suspend", ShellClient.NewSessionId(), 404), StringComparison.Ordinal);
    }

    private static async Task<string> ChangeAsync(ApiClient api, TestServer server, string change, string session, int status)
    {
        using var answer = await api.PostAsync($"/porthole/v1/sessions/{change}?runtime={Uri.EscapeDataString(server.RuntimeArn)}&sessionId={session}", "");
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == (int)answer.StatusCode, $"{(int)answer.StatusCode} {text}");
        return text;
    }

    private static async Task<string?> StateAsync(ApiClient api, string session) => (await api.ListSessionsAsync()).EnumerateArray()
        .Where(listed => listed.GetProperty("sessionId").GetString() == session).Select(static listed => listed.GetProperty("state").GetString()).SingleOrDefault();

    // QEMU's monitor, as the server speaks with it.
    private static void PauseMachine(string directory)
    {
        using var monitor = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        monitor.Connect(new UnixDomainSocketEndPoint(Path.Combine(directory, "monitor.sock")));
        using var lines = new StreamReader(new NetworkStream(monitor), Encoding.UTF8);
        lines.ReadLine();
        foreach (var command in (string[])["qmp_capabilities", "stop"])
        {
            monitor.Send(Encoding.UTF8.GetBytes($"{{\"execute\":\"{command}\"}}\n"));
            while (!JsonElement.Parse(Encoding.UTF8.GetBytes(lines.ReadLine()!)).TryGetProperty("return", out _))
            {
            }
        }
    }
}
