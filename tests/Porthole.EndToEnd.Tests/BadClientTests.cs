using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>Clients that vanish, stall or flood: they cost little, harm nobody else, and their shell waits for them.</summary>
public sealed class BadClientTests
{
    [Fact]
    public async Task A_client_that_answers_no_ping_is_dropped_and_one_that_does_is_not()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "pingInterval": 0.3, "deadAfter": 1 }
            """);
        using var dead = await ShellClient.OpenAsync(server, shellId: "dead");
        using var silent = await ShellClient.OpenAsync(server, dead.SessionId, "silent");
        dead.Socket.AnswersPings = false;
        var reading = silent.ReadCloseAsync();
        while (await dead.Socket.ReadFrameAsync() is not null)
            continue;
        using var api = new ApiClient(server);
        await Patience.UntilAsync("the shell to be detached", async () => !await IsAttachedAsync(api, "dead"));
        Assert.True(await IsAttachedAsync(api, "silent"));
        using var again = await ShellClient.OpenAsync(server, dead.SessionId, "dead");
        Assert.True(again.Reconnected);
        Assert.False(reading.IsCompleted);
        using var stopped = await api.StopSessionAsync(dead.SessionId);
        Assert.Equal(1000, (await reading).CloseCode);
    }

    [Fact]
    public async Task A_client_that_stops_reading_is_closed_with_1008_and_its_shell_goes_on_exactly()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "writeStall": 1 }
            """);
        using var client = await ShellClient.OpenAsync(new Upgrade { Server = server }, receiveBufferBytes: 32 * 1024);
        using var other = await ShellClient.OpenAsync(server, client.SessionId);
        await client.QuietAsync();
        await other.QuietAsync();
        var before = ResidentMegabytes(server);
        await client.SendAsync("seq 1 400000; echo fin''ished; echo done > /tmp/done\n");

        // Nothing is read here until the shell has run free of this client.
        using var api = new ApiClient(server);
        await Patience.UntilAsync("the shell to go on without its client", async () => (await api.RunCommandAsync(client.SessionId, "cat /tmp/done")).ExitCode == 0);
        Assert.InRange(ResidentMegabytes(server) - before, -1000, 30);
        Assert.Equal("fine\n", await other.RunAsync("echo fine"));
        Assert.Equal(1008, (await client.ReadCloseAsync()).CloseCode);
        await client.Socket.SendRawAsync(RawSocket.CloseFrame(1008));
        Assert.True(await client.Socket.IsClosedAsync());

        var expected = Numbers(400_000) + "finished\n";
        var got = client.Output.ToString();
        Assert.Equal(expected[..got.Length], got);
        using var again = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.Equal(expected.Length - got.Length - 262_144, again.BytesDropped);
        while (again.Output.Length < 262_144)
            await again.ReadAsync();
        Assert.Equal(expected[^262_144..], again.Output.ToString());
    }

    [Fact]
    public async Task A_client_that_stops_reading_for_good_costs_no_more_than_its_connection()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "writeStall": 1 }
            """);
        using var client = await ShellClient.OpenAsync(new Upgrade { Server = server }, receiveBufferBytes: 32 * 1024);
        await client.QuietAsync();
        await client.SendAsync("seq 1 200000; sleep 1000\n");
        await server.Log.WaitForAsync($"Shell {client.ShellId} of session");
        using var again = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.True(again.Reconnected);
    }

    [Fact]
    public async Task A_client_that_floods_its_terminal_with_input_is_held_up_and_delays_nobody()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "maxFramesPerWindow": 100000 }
            """);
        using var flooder = await ShellClient.OpenAsync(server);
        using var other = await ShellClient.OpenAsync(server);
        await flooder.QuietAsync();
        await other.QuietAsync();
        await flooder.SendAsync("stty raw; echo re''ady; sleep 1000\n");
        await flooder.ReadUntilAsync("ready\n");
        var before = ResidentMegabytes(server);
        var frame = RawSocket.Frame(RawFrame.Binary, new byte[60_001]);
        using var stuck = Patience.Deadline(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (true)
                await flooder.Socket.SendRawAsync(frame, stuck.Token);
        });
        Assert.InRange(ResidentMegabytes(server) - before, -1000, 40);
        Assert.Equal("fine\n", await other.RunAsync("echo fine"));
        flooder.Socket.Reset();
        using var again = await ShellClient.OpenAsync(server, flooder.SessionId, flooder.ShellId);
        Assert.True(again.Reconnected);
    }

    [Fact]
    public async Task A_thousand_connections_that_say_nothing_or_half_a_request_are_in_nobodys_way()
    {
        await using var server = await TestServer.StartAsync();
        var idle = new List<RawSocket>();
        for (var i = 0; i < 500; i++)
        {
            idle.Add(await RawSocket.ConnectAsync(server));
            if (i % 2 == 0)
                await idle[^1].SendRawAsync("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Half: "u8.ToArray());
        }

        using var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        Assert.Equal("fine\n", await client.RunAsync("echo fine"));
        idle.ForEach(socket => socket.Reset());
        Assert.Equal("fine\n", await client.RunAsync("echo fine"));
    }

    [Fact]
    public async Task Clients_that_come_and_go_leave_no_descriptor_and_no_connection_behind()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ShellClient.OpenAsync(server, shellId: "stays");
        await (await ShellClient.OpenAsync(server, client.SessionId, "warm-up")).CloseShellAsync();
        var before = SocketsOf(server);
        for (var i = 0; i < 60; i++)
        {
            var visitor = await ShellClient.OpenAsync(server, client.SessionId, $"visitor-{i % 5}");
            switch (i % 4)
            {
                case 0:
                    await visitor.CloseShellAsync();
                    break;
                case 1:
                    await visitor.DetachAsync();
                    break;
                case 2:
                    visitor.Socket.Reset();
                    break;
                default:
                    await visitor.SendAsync("exit\n");
                    await visitor.ReadCloseAsync();
                    visitor.Dispose();
                    break;
            }
        }

        await Patience.UntilAsync("their sockets and those to the guest to be closed", () => SocketsOf(server) <= before);
        Assert.Equal("", await AttachedOthersAsync(server));
    }

    // Not all descriptors: the runtime opens its assemblies when they are first needed, and keeps them.
    private static int SocketsOf(TestServer server) => Directory.GetFiles($"/proc/{server.ProcessId}/fd")
        .Count(descriptor => new FileInfo(descriptor).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    private static async Task<string> AttachedOthersAsync(TestServer server)
    {
        using var api = new ApiClient(server);
        return string.Join(' ', (await ShellsAsync(api)).Where(shell => shell.GetProperty("attached").GetBoolean()).Select(shell => shell.GetProperty("shellId").GetString()).Where(id => id != "stays"));
    }

    private static async Task<bool> IsAttachedAsync(ApiClient api, string shellId) =>
        (await ShellsAsync(api)).Single(shell => shell.GetProperty("shellId").GetString() == shellId).GetProperty("attached").GetBoolean();

    private static async Task<IEnumerable<JsonElement>> ShellsAsync(ApiClient api) =>
        (await api.ListSessionsAsync())[0].GetProperty("shells").EnumerateArray();

    private static long ResidentMegabytes(TestServer server)
    {
        using var process = Process.GetProcessById(server.ProcessId);
        return process.WorkingSet64 >> 20;
    }

    private static string Numbers(int last)
    {
        var text = new StringBuilder();
        for (var i = 1; i <= last; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i}\n");
        return text.ToString();
    }
}
