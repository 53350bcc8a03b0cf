using System.Text;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>The documented limits of shells are settings: each is kept where the configuration puts it, and not where it is by default.</summary>
public sealed class LimitTests
{
    [Fact]
    public async Task The_number_of_attached_shells()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "maxAttachedShells": 2 }
            """);
        using var one = await ShellClient.OpenAsync(server);
        using var two = await ShellClient.OpenAsync(server, one.SessionId);
        var (_, refusal) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = one.SessionId });
        refusal.AssertError(429, "ServiceQuotaExceededException", "2 attached shells");
        await two.DetachAsync();
        using var three = await ShellClient.OpenAsync(server, one.SessionId);
    }

    [Fact]
    public async Task The_rate_of_frames_and_the_window_it_is_counted_in()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "maxFramesPerWindow": 20, "frameRateWindow": 600 }
            """);
        using var client = await ShellClient.OpenAsync(server);
        for (var i = 0; i < 20; i++)
            await client.SendAsync(ShellClient.Heartbeat, []);
        for (var echoes = 0; echoes < 20;)
            echoes += await client.ReadAsync() is { Opcode: RawFrame.Binary, Payload: [ShellClient.Heartbeat] } ? 1 : 0;
        await client.SendAsync(ShellClient.Heartbeat, []);
        var close = await client.ReadCloseAsync();
        Assert.Equal(1008, close.CloseCode);
        Assert.Contains("20 frames in 600 s", close.CloseReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_size_of_a_frame()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "maxFrameBytesReceived": 1000 }
            """);
        using var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        Assert.Equal("whole\n", await client.RunAsync($"echo whole #{new string('x', 1000 - "?echo whole #\necho end''of0000\n".Length)}"));
        await client.SendAsync(ShellClient.Stdin, new byte[1000]);
        Assert.Equal(1009, (await client.ReadCloseAsync()).CloseCode);
    }

    [Fact]
    public async Task The_size_of_a_frame_of_output()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "maxFrameBytesSent": 1024 }
            """);
        using var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        await client.SendAsync("seq 100000 119999; printf '\\xf0\\x9f\\x90\\x8b%.0s' $(seq 3000)\n");
        var longest = 0;
        while (client.Output.Length < 20_000 * 7 + 3000 * 4)
        {
            if (await client.ReadAsync() is { Opcode: RawFrame.Binary } frame)
                longest = Math.Max(longest, frame.Payload.Length);
        }

        Assert.InRange(longest, 1000, 1024);
        Assert.EndsWith(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("\U0001F40B", 3000)))), client.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_number_of_text_frames_in_a_row()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "maxConsecutiveTextFrames": 2 }
            """);
        using var client = await ShellClient.OpenAsync(server);
        await client.Socket.SendFrameAsync(RawFrame.Text, "one"u8);
        await client.SendAsync(ShellClient.Heartbeat, []);
        await client.Socket.SendFrameAsync(RawFrame.Text, "one"u8);
        await client.Socket.SendFrameAsync(RawFrame.Text, "two"u8);
        Assert.Equal(1003, (await client.ReadCloseAsync()).CloseCode);
    }

    [Fact]
    public async Task The_output_that_is_kept()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "ringBytes": 8192 }
            """);
        using var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        await client.SendAsync("while [ ! -e /tmp/go ]; do sleep 0.02; done; seq 100000 109999; touch /tmp/done\n");
        await client.DetachAsync();
        using var api = new ApiClient(server);
        await api.RunCommandAsync(client.SessionId, "touch /tmp/go; while [ ! -e /tmp/done ]; do sleep 0.02; done");
        using var again = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.Equal(70_000 - 8192, again.BytesDropped);
        while (again.Output.Length < 8192)
            await again.ReadAsync();
        Assert.EndsWith("109998\n109999\n", again.Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_life_of_a_connection()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "connectionLifetime": 3 }
            """);

        // It begins with the connection, so the session has to be there already.
        using var api = new ApiClient(server);
        var sessionId = ShellClient.NewSessionId();
        await api.RunCommandAsync(sessionId, "true");
        using var client = await ShellClient.OpenAsync(server, sessionId);
        var close = await client.ReadCloseAsync();
        Assert.Equal(1008, close.CloseCode);
        Assert.Contains("lives for 3 s", close.CloseReason, StringComparison.Ordinal);
        using var again = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.True(again.Reconnected);
    }

    [Fact]
    public async Task The_time_that_output_waits_behind_the_confirmation()
    {
        await using var server = await TestServer.StartAsync("""
            "shells": { "outputHold": 600 }
            """);
        using var client = await ShellClient.OpenAsync(server);

        // The prompt is there long before this command has run; only a frame of the client lets it go.
        using var api = new ApiClient(server);
        await api.RunCommandAsync(client.SessionId, "sleep 0.3");
        await client.Socket.SendFrameAsync(RawFrame.Ping, "still there?"u8);
        Assert.Equal(RawFrame.Pong, (await client.ReadAsync()).Opcode);
        await client.SendAsync(ShellClient.Heartbeat, []);
        while (client.Output.Length == 0)
            await client.ReadAsync();
    }
}
