using System.Text;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests;

/// <summary>WebSockets to a real agent in a real sandbox (contract section 9.3).</summary>
public sealed class AgentSocketTests(SharedServer shared)
{
    [Fact]
    public async Task Text_and_binary_messages_go_both_ways_as_they_are()
    {
        using var socket = await OpenAsync(shared.Server);
        await socket.SendFrameAsync(RawFrame.Text, "Grüße"u8);
        await AssertFrameAsync(socket, RawFrame.Text, "Grüße"u8.ToArray());
        var large = new byte[64 * 1024];
        new Random(1).NextBytes(large);
        foreach (var length in (int[])[0, 1, 125, 126, 65535, 65536])
        {
            await socket.SendFrameAsync(RawFrame.Binary, large.AsSpan(0, length));
            await AssertFrameAsync(socket, RawFrame.Binary, large[..length]);
        }
    }

    [Fact]
    public async Task Pings_are_answered_by_the_agent_and_a_close_ends_both()
    {
        using var socket = await OpenAsync(shared.Server);
        await socket.SendFrameAsync(RawFrame.Ping, "are you there"u8);
        await AssertFrameAsync(socket, RawFrame.Pong, "are you there"u8.ToArray());
        await socket.SendRawAsync(RawSocket.CloseFrame(1000));
        Assert.Equal(1000, (await socket.ReadFrameAsync())!.CloseCode);
        Assert.True(await socket.IsClosedAsync());
    }

    [Fact]
    public async Task The_agents_own_close_reaches_the_client_with_its_code_and_reason()
    {
        using var socket = await OpenAsync(shared.Server);
        await socket.SendFrameAsync(RawFrame.Text, "close"u8);
        var close = (await socket.ReadFrameAsync())!;
        Assert.Equal((4001, "enough"), (close.CloseCode, close.CloseReason));
        await socket.SendRawAsync(RawSocket.CloseFrame(4001));
        Assert.True(await socket.IsClosedAsync());
    }

    [Fact]
    public async Task An_agent_that_just_hangs_up_is_1011()
    {
        using var socket = await OpenAsync(shared.Server);
        await socket.SendFrameAsync(RawFrame.Text, "drop"u8);
        Assert.Equal(1011, (await socket.ReadFrameAsync())!.CloseCode);
    }

    [Fact]
    public async Task Query_parameters_and_headers_of_the_clients_own_reach_the_agent()
    {
        using var socket = await OpenAsync(shared.Server, query: AgentClient.Custom + "Word=from%20the%20query", headers: AgentClient.Custom + "Other: mine\r\nCookie: no\r\n");
        await socket.SendFrameAsync(RawFrame.Text, "headers"u8);
        var seen = JsonSerializer.Deserialize<string[][]>((await socket.ReadFrameAsync())!.Payload)!.ToLookup(pair => pair[0], pair => pair[1]);
        Assert.Equal(["from the query"], seen[AgentClient.Custom.ToLowerInvariant() + "word"]);
        Assert.Equal(["mine"], seen[AgentClient.Custom.ToLowerInvariant() + "other"]);
        Assert.Single(seen[ApiClient.SessionHeader.ToLowerInvariant()]);
        Assert.Empty(seen["cookie"].Concat(seen["authorization"]).Concat(seen["sec-websocket-extensions"]));
    }

    [Fact]
    public async Task A_frame_that_is_too_long_is_1009_and_more_frames_than_allowed_1008()
    {
        using (var socket = await OpenAsync(shared.Server))
        {
            await socket.SendFrameAsync(RawFrame.Binary, new byte[64 * 1024 + 1]);
            Assert.Equal(1009, (await socket.ReadFrameAsync())!.CloseCode);
        }

        using var fast = await OpenAsync(shared.Server);
        await fast.SendRawAsync(Enumerable.Repeat(RawSocket.Frame(RawFrame.Binary, "x"u8), 300).SelectMany(frame => frame).ToArray());
        RawFrame? last;
        do
        {
            last = await fast.ReadFrameAsync();
        }
        while (last is { Opcode: RawFrame.Binary });
        Assert.Equal(1008, last!.CloseCode);
    }

    [Fact]
    public async Task A_connection_has_a_longest_life_also_while_the_agent_floods_it()
    {
        await using var server = await TestServer.StartAsync("""
            "agents": { "requestTimeout": 3, "streamTimeout": 3 }
            """);
        using var socket = await OpenAsync(server);
        await socket.SendFrameAsync(RawFrame.Text, "flood"u8);
        RawFrame? last;
        do
        {
            last = await socket.ReadFrameAsync();
        }
        while (last is { Opcode: RawFrame.Binary });
        Assert.Equal(1008, last!.CloseCode);
    }

    [Fact]
    public async Task A_server_that_restarts_says_1001_and_the_agent_is_there_for_the_next_connection()
    {
        await using var server = await TestServer.StartAsync();
        var arn = await AgentRuntime.OfPythonAsync(server, SocketAgent.Source);
        var session = Guid.NewGuid().ToString();
        using var socket = await OpenAsync(server, arn, session);
        var ended = server.TerminateAsync();
        Assert.Equal(1001, (await socket.ReadFrameAsync())!.CloseCode);
        await socket.SendRawAsync(RawSocket.CloseFrame(1001));
        Assert.Equal(0, await ended);
        await server.StartAgainAsync();
        using var again = await OpenAsync(server, arn, session);
        await again.SendFrameAsync(RawFrame.Text, "hello"u8);
        await AssertFrameAsync(again, RawFrame.Text, "hello"u8.ToArray());
    }

    [Fact]
    public async Task An_agent_that_refuses_the_socket_is_424_before_the_upgrade()
    {
        var arn = await AgentRuntime.OfPythonAsync(shared.Server, SocketAgent.Source);
        using var socket = await RawSocket.ConnectAsync(shared.Server);
        await socket.SendRawAsync(Request(shared.Server, arn, Guid.NewGuid().ToString(), "", AgentClient.Custom + "Refuse: yes\r\n").Head());
        (await socket.ReadAnswerAsync()).AssertError(424, "RuntimeClientError", "Received error (403) from runtime.");
    }

    [Fact]
    public async Task It_is_closed_with_1008_when_the_key_that_opened_it_is_revoked()
    {
        using var api = new ApiClient(shared.Server);
        using var created = await api.PostAsync("/porthole/v1/credentials", "{}");
        var key = JsonElement.Parse(await created.Content.ReadAsByteArrayAsync());
        var credentials = new SigV4Credentials(key.GetProperty("accessKeyId").GetString()!, key.GetProperty("secretAccessKey").GetString()!);
        using var others = await OpenAsync(shared.Server);
        using var socket = await OpenAsync(shared.Server, credentials: credentials);
        await socket.SendFrameAsync(RawFrame.Text, "hello"u8);
        await AssertFrameAsync(socket, RawFrame.Text, "hello"u8.ToArray());

        using var revoked = await api.SendAsync(HttpMethod.Delete, "/porthole/v1/credentials/" + credentials.AccessKeyId, "");
        Assert.True(revoked.IsSuccessStatusCode);
        var close = (await socket.ReadFrameAsync())!;
        Assert.Equal((1008, "the access key was revoked"), (close.CloseCode, close.CloseReason));
        await others.SendFrameAsync(RawFrame.Text, "mine"u8);
        await AssertFrameAsync(others, RawFrame.Text, "mine"u8.ToArray());
    }

    private static async Task<RawSocket> OpenAsync(
        TestServer server, string? arn = null, string? session = null, string query = "", string headers = "", SigV4Credentials? credentials = null)
    {
        arn ??= await AgentRuntime.OfPythonAsync(server, SocketAgent.Source);
        session ??= Guid.NewGuid().ToString();
        var socket = await RawSocket.ConnectAsync(server);
        await socket.SendRawAsync((Request(server, arn, session, query, headers) with { Credentials = credentials }).Head());
        var answer = await socket.ReadAnswerAsync();
        Assert.True(answer.Status == 101, answer.ToString());
        Assert.Equal(session, answer.Header(ApiClient.SessionHeader));
        Assert.Equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer.Header("Sec-WebSocket-Accept"));
        return socket;
    }

    private static Upgrade Request(TestServer server, string arn, string session, string query, string headers) => new()
    {
        Server = server,
        Runtime = Uri.EscapeDataString(arn),
        Operation = "ws",
        SessionHeader = session,
        Query = query,
        MoreHeaders = headers + "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    };

    private static async Task AssertFrameAsync(RawSocket socket, int opcode, byte[] payload)
    {
        var frame = await socket.ReadFrameAsync();
        Assert.Equal(opcode, frame!.Opcode);
        Assert.True(payload.AsSpan().SequenceEqual(frame.Payload), $"{frame.Payload.Length} bytes came instead of {payload.Length}: {Encoding.UTF8.GetString(frame.Payload.AsSpan(0, Math.Min(40, frame.Payload.Length)))}");
    }
}
