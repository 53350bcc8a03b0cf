using System.Text;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>Frames as no official client sends them, and the corners of those that they do.</summary>
public sealed class FrameTests(SharedServer shared)
{
    private readonly TestServer _server = shared.Server;

    public static TheoryData<string, byte[]> Breaches => new()
    {
        { "a reserved opcode", RawSocket.Frame(3, [0]) },
        { "a reserved control opcode", RawSocket.Frame(11, [0]) },
        { "no mask", RawSocket.Frame(RawFrame.Binary, [0, 1], masked: false) },
        { "a reserved bit", RawSocket.Frame(RawFrame.Binary, [0, 1], reserved: 4) },
        { "a ping in fragments", RawSocket.Frame(RawFrame.Ping, [0], final: false) },
        { "an oversized ping", RawSocket.Frame(RawFrame.Ping, new byte[126]) },
        { "a continuation of nothing", RawSocket.Frame(RawFrame.Continuation, [0]) },
        { "a message within a message", [.. RawSocket.Frame(RawFrame.Binary, [0], final: false), .. RawSocket.Frame(RawFrame.Binary, [0])] },
        { "a close frame with half a code", RawSocket.Frame(RawFrame.Close, [3]) },
        { "a close frame with a code that must not be sent", RawSocket.CloseFrame(1005) },
        { "a close frame with code 1006", RawSocket.CloseFrame(1006) },
        { "a close frame with code 7", RawSocket.CloseFrame(7) },
    };

    [Theory]
    [MemberData(nameof(Breaches))]
    public async Task A_breach_of_the_protocol_closes_with_1002_and_the_shell_lives_on(string what, byte[] bytes)
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        await client.RunAsync("kept=here");
        await client.Socket.SendRawAsync(bytes);
        var close = await client.ReadCloseAsync();
        Assert.True(close.CloseCode == 1002, $"{what}: closed with {close.CloseCode} {close.CloseReason}");

        using var again = await ShellClient.OpenAsync(_server, client.SessionId, client.ShellId);
        Assert.Equal("here\n", await again.RunAsync("echo $kept"));
        await again.CloseShellAsync();
    }

    [Theory]
    [InlineData(new byte[] { 0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4 })]
    [InlineData(new byte[] { 0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4 })]
    [InlineData(new byte[] { 0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 2, 1, 2, 3, 4 })]
    public async Task A_length_beyond_all_bounds_closes_with_1009_on_the_header_alone(byte[] header)
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.Socket.SendRawAsync(header);
        Assert.Equal(1009, (await client.ReadCloseAsync()).CloseCode);
    }

    [Fact]
    public async Task A_message_in_fragments_with_a_ping_between_is_one_message()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        await client.Socket.SendFrameAsync(RawFrame.Binary, [], final: false);
        await client.Socket.SendFrameAsync(RawFrame.Continuation, [ShellClient.Stdin, .. "ec"u8], final: false);
        await client.Socket.SendFrameAsync(RawFrame.Ping, "are you there"u8);
        await client.Socket.SendFrameAsync(RawFrame.Continuation, "ho jo''"u8, final: false);
        await client.Socket.SendFrameAsync(RawFrame.Continuation, "ined\n"u8);
        var pong = await client.ReadAsync();
        Assert.Equal((RawFrame.Pong, "are you there"), (pong.Opcode, Encoding.ASCII.GetString(pong.Payload)));
        await client.ReadUntilAsync("joined\n");
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task A_message_torn_into_single_bytes_is_one_message()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        foreach (var value in RawSocket.Frame(RawFrame.Binary, [ShellClient.Stdin, .. "echo to''rn\n"u8]))
            await client.Socket.SendRawAsync((byte[])[value]);
        await client.ReadUntilAsync("torn\n");
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task Unknown_channels_empty_messages_and_pongs_are_ignored_and_heartbeats_echoed()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        await client.Socket.SendFrameAsync(RawFrame.Binary, []);
        await client.SendAsync(0x7E, "what is this"u8);
        await client.SendAsync(ShellClient.Stdout, "not mine to send"u8);
        await client.SendAsync(ShellClient.Status, "{}"u8);
        await client.Socket.SendFrameAsync(RawFrame.Pong, "unasked"u8);
        await client.SendAsync(ShellClient.Stdin, []);
        await client.SendAsync(ShellClient.Heartbeat, []);
        var echo = await client.ReadAsync();
        Assert.Equal([ShellClient.Heartbeat], echo.Payload);
        Assert.Equal("fine\n", await client.RunAsync("echo fine"));
        await client.CloseShellAsync();
    }

    [Theory]
    [InlineData("""{"width":0,"height":0}""")]
    [InlineData("""{"width":65535,"height":65535}""")]
    [InlineData("""{"width":1001,"height":10}""")]
    [InlineData("""{"width":-1,"height":10}""")]
    [InlineData("""{"width":80.5,"height":10}""")]
    [InlineData("""{"width":"80","height":"10"}""")]
    [InlineData("""{"width":80}""")]
    [InlineData("[80,10]")]
    [InlineData("nonsense")]
    [InlineData("")]
    public async Task A_size_that_is_none_is_ignored(string payload)
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.ResizeAsync(101, 37);
        await client.QuietAsync();
        await client.SendAsync(ShellClient.Resize, Encoding.UTF8.GetBytes(payload));
        Assert.Equal("37 101\n", await client.RunAsync("stty size"));
        await client.CloseShellAsync();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 1000)]
    [InlineData(132, 43)]
    public async Task A_resize_reaches_the_terminal_and_its_programs(int columns, int rows)
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        await client.SendAsync("bash -c 'trap \"echo signalled\" WINCH; echo ready; while :; do sleep 0.05; done'\n");
        await client.ReadUntilAsync("ready\n");
        await client.ResizeAsync(columns, rows);
        await client.ReadUntilAsync("signalled\n");
        await client.SendAsync("\u0003");
        Assert.Equal($"{rows} {columns}\n", (await client.RunAsync("stty size"))[^($"{rows} {columns}\n".Length)..]);
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task A_size_sent_before_the_session_is_there_is_the_first_one()
    {
        var (client, _) = await ShellClient.TryOpenAsync(new Upgrade { Server = _server });
        using (client)
        {
            await client!.ResizeAsync(99, 22);
            await client.ReadConfirmationAsync();
            await client.QuietAsync();
            Assert.Equal("22 99\n", await client.RunAsync("stty size"));
            await client.CloseShellAsync();
        }
    }

    [Fact]
    public async Task Input_sent_before_the_status_is_kept()
    {
        var (client, _) = await ShellClient.TryOpenAsync(new Upgrade { Server = _server });
        using (client)
        {
            await client!.SendAsync("echo ear''ly\n");
            await client.ReadConfirmationAsync();
            await client.ReadUntilAsync("early");
            await client.CloseShellAsync();
        }
    }

    [Fact]
    public async Task Bytes_that_are_no_utf8_pass_in_both_directions()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        await client.SendAsync("stty raw; echo re''ady; head -c 6 | od -An -tx1; printf '\\xff\\xfe\\xc3\\x28\\x80\\xf0\\x9f'; echo en''d\n");
        await client.ReadUntilAsync("ready\n");
        await client.SendAsync(ShellClient.Stdin, [0xC3, 0x28, 0xFF, 0xFE, 0x80, 0xF0]);
        Assert.Equal(" c3 28 ff fe 80 f0\n\u00ff\u00fe\u00c3\u0028\u0080\u00f0\u009f", await client.ReadUntilAsync("end\n"));
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task A_character_is_not_cut_between_two_frames()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        await client.SendAsync("for i in $(seq 60000); do printf '\u20ac'; done; echo en''d\n");
        var text = new StringBuilder();
        while (!text.ToString().EndsWith("end\n", StringComparison.Ordinal))
        {
            var frame = await client.ReadAsync();
            Assert.Equal(ShellClient.Stdout, frame.Payload[0]);
            text.Append(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(frame.Payload.AsSpan(1)));
        }

        Assert.Equal(new string('\u20ac', 60_000) + "end\n", text.ToString());
        await client.CloseShellAsync();
    }

    [Fact]
    public async Task Frames_beyond_250_in_a_second_close_with_1008_and_the_shell_lives_on()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        await client.RunAsync("kept=here");
        var heartbeat = RawSocket.Frame(RawFrame.Binary, [ShellClient.Heartbeat]);
        await client.Socket.SendRawAsync(Enumerable.Repeat(heartbeat, 300).SelectMany(frame => frame).ToArray());
        var close = await client.ReadCloseAsync();
        Assert.Equal(1008, close.CloseCode);
        Assert.Contains("250", close.CloseReason, StringComparison.Ordinal);

        using var again = await ShellClient.OpenAsync(_server, client.SessionId, client.ShellId);
        Assert.Equal("here\n", await again.RunAsync("echo $kept"));

        // Pings are no data messages.
        for (var i = 0; i < 300; i++)
            await again.Socket.SendFrameAsync(RawFrame.Ping, []);
        Assert.Equal("here\n", await again.RunAsync("echo $kept"));
        await again.CloseShellAsync();
    }

    [Fact]
    public async Task A_close_request_for_a_shell_that_has_ended_is_tolerated()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.SendAsync("exit\n");
        await client.ReadCloseAsync();
        await client.SendAsync(ShellClient.Close, []);
        await client.Socket.SendRawAsync(RawSocket.CloseFrame(1000));
        Assert.True(await client.Socket.IsClosedAsync());
    }

    [Fact]
    public async Task A_paste_of_a_megabyte_arrives_whole()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        var paste = new byte[1_000_000];
        new Random(7).NextBytes(paste);
        await client.SendAsync($"stty raw; echo re''ady; head -c {paste.Length} | sha256sum; echo en''d\n");
        await client.ReadUntilAsync("ready\n");
        foreach (var piece in paste.Chunk(60_000))
            await client.SendAsync(ShellClient.Stdin, piece);
        Assert.StartsWith(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(paste)), await client.ReadUntilAsync("end\n"), StringComparison.Ordinal);
        await client.CloseShellAsync();
    }
}
