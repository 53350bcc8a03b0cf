using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>
/// What a naive server gets wrong, one test for each trap that this version can fall into, numbered as in docs/compatibility.md.
/// That page also names those that belong to operations which are not there yet.
/// </summary>
public sealed class TrapTests(SharedServer shared)
{
    private readonly TestServer _server = shared.Server;

    [Fact]
    public async Task Trap_01_Output_waits_behind_the_confirmation_until_the_client_speaks_or_a_moment_has_passed()
    {
        using var client = await ShellClient.OpenAsync(_server);
        var confirmed = Stopwatch.GetTimestamp();
        var frame = await client.ReadAsync();
        Assert.Equal(ShellClient.Stdout, frame.Payload[0]);
        Assert.InRange(Stopwatch.GetElapsedTime(confirmed).TotalMilliseconds, 50, 10_000);
        await client.CloseShellAsync();
    }

    [Theory]
    [InlineData("127.0.0.1:{port}", "127.0.0.1:{port}")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1:{port}", "127.0.0.1")]
    [InlineData("127.0.0.1", "127.0.0.1:{port}")]
    [InlineData("localhost", "localhost")]
    [InlineData("bedrock-agentcore.us-east-1.amazonaws.com", "bedrock-agentcore.us-east-1.amazonaws.com")]
    public async Task Trap_02_A_signature_is_good_with_the_port_on_either_side_or_on_none(string wireHost, string signedHost)
    {
        foreach (var by in (Upgrade.Proof[])[Upgrade.Proof.Headers, Upgrade.Proof.Query])
        {
            using var client = await ShellClient.OpenAsync(new Upgrade { Server = _server, WireHost = WithPort(wireHost), SignedHost = WithPort(signedHost), By = by });
            await client.CloseShellAsync();
        }
    }

    [Fact]
    public async Task Trap_03_A_host_header_sent_twice_word_for_word_is_no_obstacle()
    {
        using var client = await ShellClient.OpenAsync(new Upgrade { Server = _server, MoreHeaders = $"Host: {_server.EndPoint}\r\n" });
        await client.CloseShellAsync();
        var (_, answer) = await ShellClient.TryOpenAsync(new Upgrade { Server = _server, MoreHeaders = "Host: elsewhere.example\r\n" });
        Assert.Equal(400, answer.Status);
    }

    [Fact]
    public async Task Trap_04_The_path_is_verified_as_sent_with_the_arn_encoded_raw_or_as_a_bare_id()
    {
        var id = _server.RuntimeArn[(_server.RuntimeArn.IndexOf("runtime/", StringComparison.Ordinal) + 8)..];
        Upgrade[] requests = [
            new() { Server = _server },
            new() { Server = _server, Runtime = _server.RuntimeArn },
            new() { Server = _server, Runtime = _server.RuntimeArn.Replace("/", "%2f") },
            new() { Server = _server, Runtime = id, Query = "accountId=000000000000" },
            new() { Server = _server, Query = "qualifier=DEFAULT&shellId=a-b_C1", By = Upgrade.Proof.Query },
            new() { Server = _server, SendsContentHash = true },
        ];
        foreach (var request in requests)
        {
            using var client = await ShellClient.OpenAsync(request);
            await client.CloseShellAsync();
        }
    }

    [Theory]
    [InlineData("v1.command.agentcore.aws.dev", "v1.command.agentcore.aws.dev")]
    [InlineData("chat, v1.command.agentcore.aws.dev", "v1.command.agentcore.aws.dev")]
    [InlineData("chat", null)]
    [InlineData(null, null)]
    public async Task Trap_05_A_subprotocol_is_echoed_when_it_is_the_known_one_and_never_sent_unasked(string? offered, string? expected)
    {
        using var client = await ShellClient.OpenAsync(new Upgrade { Server = _server, MoreHeaders = offered is null ? "" : $"Sec-WebSocket-Protocol: {offered}\r\n" });
        Assert.Equal(expected, client.Answer.Header("Sec-WebSocket-Protocol"));
        Assert.Null(client.Answer.Header("Sec-WebSocket-Extensions"));
        await client.CloseShellAsync();
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(1011)]
    [InlineData(4321)]
    [InlineData(null)]
    public async Task Trap_06_A_close_with_any_code_or_none_detaches_and_the_shell_lives_on(int? code)
    {
        using var first = await ShellClient.OpenAsync(_server);
        await first.QuietAsync();
        await first.RunAsync("kept=here");
        await first.Socket.SendRawAsync(RawSocket.CloseFrame(code));
        await first.ReadCloseAsync();

        using var second = await ShellClient.OpenAsync(_server, first.SessionId, first.ShellId);
        Assert.True(second.Reconnected);
        Assert.Equal("here\n", await second.RunAsync("echo $kept"));
        await second.CloseShellAsync();
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(null)]
    public async Task Trap_07_A_close_request_counts_even_when_the_socket_is_closed_in_the_same_burst(int? code)
    {
        var sessionId = ShellClient.NewSessionId();
        using var first = await ShellClient.OpenAsync(_server, sessionId, "burst");
        await first.QuietAsync();
        var pid = (await first.RunAsync("echo $$")).Trim();
        await first.Socket.SendRawAsync((byte[])[.. RawSocket.Frame(RawFrame.Binary, [ShellClient.Close]), .. RawSocket.CloseFrame(code)]);
        await first.ReadCloseAsync();

        using var api = new ApiClient(_server);
        await Patience.UntilAsync("the shell to be gone", async () => (await api.RunCommandAsync(sessionId, $"kill -0 {pid}")).ExitCode != 0);
        using var second = await ShellClient.OpenAsync(_server, sessionId, "burst");
        Assert.False(second.Reconnected);
        await second.CloseShellAsync();
    }

    [Fact]
    public async Task Trap_08_Every_close_of_the_server_has_a_code_even_the_answer_to_one_without()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.Socket.SendRawAsync(RawSocket.CloseFrame(null));
        Assert.Equal(1000, (await client.ReadCloseAsync()).CloseCode);
        Assert.True(await client.Socket.IsClosedAsync());
    }

    [Theory]
    [InlineData("exit 0", """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}""")]
    [InlineData("exit 7", """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with exit code 7","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}""")]
    [InlineData("kill -9 $$", """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with exit code 137","details":{"causes":[{"reason":"ExitCode","message":"137"},{"reason":"Signal","message":"9"}]}}""")]
    public async Task Trap_09_and_10_The_exit_status_comes_before_the_close_without_a_shell_id(string command, string expected)
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.SendAsync($"echo la''st; {command}\n");
        var close = await client.ReadCloseAsync();
        Assert.Equal(1000, close.CloseCode);
        Assert.Contains("last", client.Output.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, client.Statuses.Count);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), client.Statuses[1]), client.Statuses[1].ToString());
    }

    [Fact]
    public async Task Trap_09_A_session_that_cannot_start_is_told_by_a_status_and_then_1011()
    {
        await using var server = await TestServer.StartAsync();
        server.MayFail = true;
        var sessions = Path.Combine(server.DataDirectory, "sessions");
        Directory.Delete(sessions);
        await File.WriteAllTextAsync(sessions, "no directory", TestContext.Current.CancellationToken);
        var (client, answer) = await ShellClient.TryOpenAsync(new Upgrade { Server = server });
        using (client)
        {
            Assert.Equal(101, answer.Status);
            Assert.Equal(1011, (await client!.ReadCloseAsync()).CloseCode);
            var status = Assert.Single(client.Statuses);
            Assert.Equal("Failure", status.GetProperty("status").GetString());
            Assert.Equal("InternalError", status.GetProperty("reason").GetString());
            Assert.Equal(500, status.GetProperty("code").GetInt32());
            Assert.Empty(status.GetProperty("metadata").EnumerateObject());
        }

        File.Delete(sessions);
        Directory.CreateDirectory(sessions);
        using var next = await ShellClient.OpenAsync(server);
    }

    [Fact]
    public async Task Trap_11_What_was_dropped_is_told_before_the_replay_and_again_behind_it()
    {
        using var first = await ShellClient.OpenAsync(_server);
        await first.QuietAsync();
        await first.SendAsync("sleep 0.3; seq 1 100000; echo al''l\n");
        await first.DetachAsync();
        using var api = new ApiClient(_server);
        await Patience.UntilAsync("the output to be printed", async () =>
            (await api.RunCommandAsync(first.SessionId, "pgrep -x 'seq|sleep'")).ExitCode != 0);

        // 588,895 bytes of numbers and four of the end, of which the ring keeps the last 262,144.
        using var second = await ShellClient.OpenAsync(_server, first.SessionId, first.ShellId);
        Assert.True(second.Reconnected);
        Assert.Equal(588_895 + 4 - 262_144, second.BytesDropped);
        while (second.Statuses.Count < 2)
            await second.ReadAsync();
        Assert.True(JsonElement.DeepEquals(second.Statuses[0], second.Statuses[1]), "the second confirmation differs from the first");
        Assert.Equal(262_144, second.Output.Length);
        Assert.EndsWith("99999\n100000\nall\n", second.Output.ToString(), StringComparison.Ordinal);
        await second.DetachAsync();

        using var third = await ShellClient.OpenAsync(_server, first.SessionId, first.ShellId);
        Assert.False(third.Statuses[0].GetProperty("metadata").TryGetProperty("bytesDropped", out _));
        Assert.Equal("", await third.RunAsync("true"));
        Assert.Single(third.Statuses);
        await third.CloseShellAsync();
    }

    [Fact]
    public async Task Trap_12_A_message_of_65537_bytes_is_accepted_and_a_larger_one_closes_with_1009_but_not_the_shell()
    {
        using var counted = await ShellClient.OpenAsync(_server);
        await counted.QuietAsync();
        await counted.SendAsync("stty raw; echo re''ady; head -c 65536 | wc -c\n");
        await counted.ReadUntilAsync("ready\n");
        await counted.SendAsync(ShellClient.Stdin, new byte[65_536]);
        await counted.ReadUntilAsync("65536\n");
        await counted.SendAsync(ShellClient.Stdin, new byte[65_537]);
        Assert.Equal(1009, (await counted.ReadCloseAsync()).CloseCode);

        using var again = await ShellClient.OpenAsync(_server, counted.SessionId, counted.ShellId);
        Assert.True(again.Reconnected);
        await again.CloseShellAsync();
    }

    [Fact]
    public async Task Trap_13_and_14_Missing_ids_are_made_and_told_in_the_headers_of_the_101()
    {
        using var neither = await ShellClient.OpenAsync(new Upgrade { Server = _server });
        Assert.InRange(neither.SessionId.Length, 33, 256);
        Assert.InRange(neither.ShellId.Length, 1, 128);
        Assert.DoesNotContain("sessionId", neither.Statuses[0].ToString(), StringComparison.OrdinalIgnoreCase);
        await neither.CloseShellAsync();

        var id = ShellClient.NewSessionId();
        using var inQuery = await ShellClient.OpenAsync(new Upgrade { Server = _server, Query = $"shellId=mine&X-Amzn-Bedrock-AgentCore-Runtime-Session-Id={id}" });
        Assert.Equal((id, "mine"), (inQuery.SessionId, inQuery.ShellId));
        using var inBoth = await ShellClient.OpenAsync(new Upgrade
        {
            Server = _server,
            SessionHeader = id,
            SignsSession = false,
            Query = $"shellId=other&X-Amzn-Bedrock-AgentCore-Runtime-Session-Id={id}",
        });
        Assert.Equal((id, "other"), (inBoth.SessionId, inBoth.ShellId));
        await inQuery.CloseShellAsync();
        await inBoth.CloseShellAsync();
    }

    [Fact]
    public async Task Trap_15_The_101_comes_before_the_session_is_there()
    {
        using var slow = new SlowStart();
        await using var server = await TestServer.StartAsync("", slow.Environment);
        var (client, answer) = await ShellClient.TryOpenAsync(new Upgrade { Server = server });
        Assert.Equal(101, answer.Status);
        slow.Release();
        await client!.ReadConfirmationAsync();
        client.Dispose();
    }

    [Fact]
    public async Task Trap_16_and_27_Detached_shells_do_not_count_and_the_eleventh_attached_one_gets_429()
    {
        var sessionId = ShellClient.NewSessionId();
        for (var i = 0; i < 6; i++)
            await (await ShellClient.OpenAsync(_server, sessionId, $"detached-{i}")).DetachAsync();
        var attached = new List<ShellClient>();
        for (var i = 0; i < 10; i++)
            attached.Add(await ShellClient.OpenAsync(_server, sessionId, $"attached-{i}"));
        var (_, refusal) = await ShellClient.TryOpenAsync(new Upgrade { Server = _server, SessionHeader = sessionId });
        refusal.AssertError(429, "ServiceQuotaExceededException", "10");

        // Taking over one of the ten is no eleventh.
        using var takesOver = await ShellClient.OpenAsync(_server, sessionId, "attached-3");
        Assert.Equal(4000, (await attached[3].ReadCloseAsync()).CloseCode);
        await attached[0].DetachAsync();
        using var fits = await ShellClient.OpenAsync(_server, sessionId, "detached-5");
        Assert.True(fits.Reconnected);
        using var api = new ApiClient(_server);
        using var stopped = await api.StopSessionAsync(sessionId);
        attached.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Trap_17_Errors_have_their_name_in_a_header_and_their_text_twice_in_the_body()
    {
        var (_, answer) = await ShellClient.TryOpenAsync(new Upgrade { Server = _server, SessionHeader = "short" });
        answer.AssertError(400, "ValidationException", "33 to 256");
        Assert.Equal("FieldValidationFailed", answer.Json.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Trap_18_Events_are_not_wrapped_and_exceptions_have_lower_camel_names()
    {
        using var api = new ApiClient(_server);
        var sessionId = ShellClient.NewSessionId();
        var result = await api.RunCommandAsync(sessionId, "echo out; echo err >&2");
        Assert.All(result.Events, e => Assert.Equal(("event", "chunk", "application/json"), (e.MessageType, e.EventType, e.Headers[":content-type"])));
        Assert.Equal("""{"contentStart":{}}""", Encoding.UTF8.GetString(result.Events[0].Payload.Span));
        Assert.Equal("""{"contentStop":{"exitCode":0,"status":"COMPLETED"}}""", Encoding.UTF8.GetString(result.Events[^1].Payload.Span));
        Assert.Equal(("out\n", "err\n"), (result.Stdout, result.Stderr));

        using var running = await api.StartCommandAsync(sessionId, "sleep 1000", null, TestContext.Current.CancellationToken);
        Assert.True(running.IsSuccessStatusCode);
        using var stopped = await api.StopSessionAsync(sessionId);
        Assert.True(stopped.IsSuccessStatusCode);
        var broken = await ApiClient.ReadResultAsync(running);
        Assert.Equal("runtimeClientError", broken.Exception);
        Assert.Null(broken.ExitCode);
    }

    [Fact]
    public async Task Trap_20_A_body_without_a_hash_header_is_hashed_and_another_body_is_refused()
    {
        using var api = new ApiClient(_server);
        Assert.Equal(0, (await api.RunCommandAsync(ShellClient.NewSessionId(), "true")).ExitCode);

        var request = new Upgrade { Server = _server, Method = "POST", Operation = "commands", SessionHeader = ShellClient.NewSessionId(), UpgradeHeaders = "", MoreHeaders = "Content-Length: 18\r\n" };
        using var socket = await RawSocket.ConnectAsync(_server);
        await socket.SendRawAsync((byte[])[.. request.Head(), .. """{"command":"true"}"""u8]);
        (await socket.ReadAnswerAsync()).AssertError(403, "AccessDeniedException");
    }

    [Fact]
    public async Task Trap_21_Stopping_a_session_takes_its_shells_away_with_0xFF_and_1000()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        using var api = new ApiClient(_server);
        var stopping = api.StopSessionAsync(client.SessionId);
        RawFrame frame;
        do
            frame = await client.ReadAsync();
        while (frame.Payload[0] == ShellClient.Stdout);
        Assert.Equal([ShellClient.Close], frame.Payload);
        Assert.Equal(1000, (await client.ReadCloseAsync()).CloseCode);
        using var stopped = await stopping;
        Assert.Equal(200, (int)stopped.StatusCode);
    }

    [Fact]
    public async Task Trap_23_A_newer_connection_takes_the_shell_over_and_the_older_gets_4000()
    {
        using var older = await ShellClient.OpenAsync(_server);
        await older.QuietAsync();
        await older.RunAsync("kept=here");
        using var newer = await ShellClient.OpenAsync(_server, older.SessionId, older.ShellId);
        Assert.True(newer.Reconnected);
        Assert.Equal(4000, (await older.ReadCloseAsync()).CloseCode);
        Assert.Equal("here\n", await newer.RunAsync("echo $kept"));
        await newer.CloseShellAsync();
    }

    [Fact]
    public async Task Trap_23_Whoever_takes_over_is_not_shown_again_what_the_other_has_just_been_shown()
    {
        var older = await ShellClient.OpenAsync(_server);
        await older.QuietAsync();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal($"line {i}\n", await older.RunAsync($"echo line {i}"));
            var newer = await ShellClient.OpenAsync(_server, older.SessionId, older.ShellId);
            Assert.Equal("nothing before\n", await newer.RunAsync("echo nothing before"));
            older.Dispose();
            older = newer;
        }

        await older.CloseShellAsync();
    }

    [Fact]
    public async Task Trap_24_Only_five_text_frames_in_a_row_close_with_1003()
    {
        using var client = await ShellClient.OpenAsync(_server);
        await client.QuietAsync();
        for (var i = 0; i < 3; i++)
        {
            for (var texts = 0; texts < 4; texts++)
                await client.Socket.SendFrameAsync(RawFrame.Text, "hello"u8);
            Assert.Equal("still here\n", await client.RunAsync("echo still here"));
        }

        for (var texts = 0; texts < 5; texts++)
            await client.Socket.SendFrameAsync(RawFrame.Text, "hello"u8);
        Assert.Equal(1003, (await client.ReadCloseAsync()).CloseCode);
        using var again = await ShellClient.OpenAsync(_server, client.SessionId, client.ShellId);
        Assert.True(again.Reconnected);
        await again.CloseShellAsync();
    }

    [Fact]
    public async Task Trap_26_A_socket_that_dies_before_the_status_leaves_a_warm_session_and_no_shell()
    {
        using var slow = new SlowStart();
        await using var server = await TestServer.StartAsync("", slow.Environment);
        var sessionId = ShellClient.NewSessionId();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var (client, answer) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = sessionId });
            Assert.True(answer.Status is 101 or 409, answer.ToString());
            if (attempt % 2 == 0)
                client?.Socket.Reset();
            client?.Dispose();
        }

        slow.Release();
        using var api = new ApiClient(server);
        await Patience.UntilAsync("the session to be ready", async () => (await api.ListSessionsAsync())[0].GetProperty("state").GetString() == "ACTIVE");
        Assert.Equal("0\n", (await api.RunCommandAsync(sessionId, "pgrep -c bash")).Stdout);
        await Patience.UntilAsync("no shell to be listed", async () => (await api.ListSessionsAsync())[0].GetProperty("shells").GetArrayLength() == 0);
    }

    private string WithPort(string host) => host.Replace("{port}", _server.Port.ToString());
}
