using System.Globalization;
using System.Text;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>Nothing dies with a server, and nothing that was printed is lost or shown twice up to the ring; what is lost is counted.</summary>
public sealed class SurvivalTests
{
    private const int RingBytes = 262_144;

    [Fact]
    public async Task A_counter_goes_on_over_three_killed_servers_without_a_line_missing_or_doubled()
    {
        await using var server = await TestServer.StartAsync();
        var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();

        // It counts until it is told to stop, and slowly enough for the ring to hold what it prints while a busy machine starts a server.
        await client.SendAsync("i=0; while [ ! -e /tmp/enough ]; do i=$((i+1)); echo $i; [ $((i % 100)) = 0 ] && sleep 0.1; done; echo finished $i\n");
        var printed = new StringBuilder();
        for (var kills = 0; kills < 3; kills++)
        {
            await ReadAsync(client, printed, until: printed.Length + 4_000);
            await server.KillAsync();
            await DrainAsync(client, printed);
            await server.StartAgainAsync();
            client = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
            Assert.True(client.Reconnected);
            Assert.Equal(0, client.BytesDropped);
        }

        using var api = new ApiClient(server);
        await api.RunCommandAsync(client.SessionId, "touch /tmp/enough");
        await ReadAsync(client, printed, until: int.MaxValue, lastLine: "finished ");
        var text = printed.ToString();
        var last = int.Parse(text[(text.LastIndexOf(' ') + 1)..^1], CultureInfo.InvariantCulture);
        Assert.Equal(Numbers(1, last) + $"finished {last}\n", text);
        client.Dispose();
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task A_flood_over_six_servers_killed_and_stopped_in_turn_is_whole_but_for_what_is_counted(string scheme)
    {
        await using var server = await TestServer.StartAsync(scheme: scheme);
        var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        var flood = new Flood();
        await client.SendAsync(Flood.Command + "\n");
        for (var ends = 0; ends < 6; ends++)
        {
            // The client reads on while the server ends: at any point between a frame's way to the kernel and the note of it.
            var enough = flood.Offset + Random.Shared.Next(200_000, 2_000_000);
            var reading = flood.ReadToEndAsync(client);
            await Patience.UntilAsync("some of the flood to arrive", () => flood.Offset >= enough || reading.IsCompleted);
            var isKilled = ends % 2 == 0;
            var ending = isKilled ? server.KillAsync() : server.TerminateAsync();
            Assert.Equal(isKilled ? 1006 : 1001, await reading);
            if (!isKilled)
                await client.Socket.SendRawAsync(RawSocket.CloseFrame(1001));
            await ending;
            client.Dispose();
            await server.StartAgainAsync();
            client = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
            Assert.True(client.Reconnected);
            flood.Skip(client.BytesDropped);
        }

        await client.CloseShellAsync();
    }

    [Fact]
    public async Task A_flood_that_overruns_the_ring_while_no_server_runs_is_counted_to_the_byte()
    {
        await using var server = await TestServer.StartAsync();
        var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        await client.SendAsync("seq 1 1000; sleep 0.3; seq 1001 300000; echo fin''ished; echo done > /tmp/done\n");
        var printed = new StringBuilder();
        await ReadAsync(client, printed, until: 3_893);
        await server.KillAsync();
        await DrainAsync(client, printed);
        await server.StartAgainAsync();
        using var api = new ApiClient(server);
        await Patience.UntilAsync("the flood to end", async () => (await api.RunCommandAsync(client.SessionId, "cat /tmp/done")).ExitCode == 0);

        var expected = Numbers(1, 300_000) + "finished\n";
        client = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.Equal(expected[..printed.Length], printed.ToString());
        Assert.Equal(expected.Length - RingBytes - printed.Length, client.BytesDropped);
        var replay = new StringBuilder();
        await ReadAsync(client, replay, until: RingBytes);
        Assert.Equal(expected[^RingBytes..], replay.ToString());
        client.Dispose();
    }

    [Fact]
    public async Task A_flood_that_is_being_read_slowly_when_the_server_is_killed_goes_on_exactly_where_it_was()
    {
        await using var server = await TestServer.StartAsync();
        var client = await ShellClient.OpenAsync(new Upgrade { Server = server }, receiveBufferBytes: 32 * 1024);
        await client.QuietAsync();
        await client.SendAsync("seq 1 200000; echo fin''ished\n");
        var printed = new StringBuilder();
        await ReadAsync(client, printed, until: 200_000);

        // Everything between the terminal and this client is full when the server dies.
        await Patience.UntilAsync("the flood to stand still", StandsStill(server, client.SessionId));
        await server.KillAsync();
        await DrainAsync(client, printed);
        await server.StartAgainAsync();
        var expected = Numbers(1, 200_000) + "finished\n";
        Assert.Equal(expected[..printed.Length], printed.ToString());
        client = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        var dropped = (int)client.BytesDropped;
        var from = printed.Length + dropped;
        var rest = new StringBuilder();
        await ReadAsync(client, rest, until: expected.Length - from);
        Assert.Equal(expected[from..], rest.ToString());
        client.Dispose();
    }

    [Fact]
    public async Task A_client_that_closes_while_output_is_under_way_is_not_shown_it_again()
    {
        await using var server = await TestServer.StartAsync();
        var client = await ShellClient.OpenAsync(new Upgrade { Server = server }, receiveBufferBytes: 32 * 1024);
        await client.QuietAsync();
        var flood = new Flood();
        await client.SendAsync(Flood.Command + "\n");
        for (var closes = 0; closes < 3; closes++)
        {
            // What the kernels and the server hold is read behind the close frame, up to the answer.
            await Patience.UntilAsync("the flood to stand still", StandsStill(server, client.SessionId));
            await client.Socket.SendRawAsync(RawSocket.CloseFrame(1000));
            var before = flood.Offset;
            Assert.Equal(1000, await flood.ReadToEndAsync(client));
            Assert.True(flood.Offset > before);
            client.Dispose();
            client = await ShellClient.OpenAsync(new Upgrade { Server = server, SessionHeader = client.SessionId, Query = $"shellId={client.ShellId}" }, receiveBufferBytes: 32 * 1024);
            flood.Skip(client.BytesDropped);
        }

        await client.SendAsync(ShellClient.Close, []);
        client.Dispose();
    }

    [Fact]
    public async Task An_orderly_stop_closes_with_1001_and_the_shell_goes_on_exactly()
    {
        await using var server = await TestServer.StartAsync();
        var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        await client.SendAsync("i=0; while [ $i -lt 10000 ]; do i=$((i+1)); echo $i; [ $((i % 200)) = 0 ] && sleep 0.05; done; echo fin''ished\n");
        var printed = new StringBuilder();
        await ReadAsync(client, printed, until: 8_000);
        var stopping = server.TerminateAsync();
        Assert.Equal(1001, await DrainAsync(client, printed));
        Assert.Equal(0, await stopping);
        await server.StartAgainAsync();
        client = await ShellClient.OpenAsync(server, client.SessionId, client.ShellId);
        Assert.True(client.Reconnected);
        Assert.Equal(0, client.BytesDropped);
        await ReadAsync(client, printed, until: int.MaxValue, lastLine: "finished");
        Assert.Equal(Numbers(1, 10_000) + "finished\n", printed.ToString());
        client.Dispose();
    }

    [Fact]
    public async Task Jobs_variables_files_and_the_working_directory_survive_and_the_next_server_knows_the_shells()
    {
        await using var server = await TestServer.StartAsync();
        var client = await ShellClient.OpenAsync(server, shellId: "kept");
        await client.QuietAsync();
        var job = (await client.RunAsync("mkdir /root/here; cd /root/here; kept=yes; sleep 1000 & echo $!")).Split('\n')[^2];
        using var other = await ShellClient.OpenAsync(server, client.SessionId, "other");
        await other.DetachAsync();
        await server.KillAsync();
        await server.StartAgainAsync();

        using var api = new ApiClient(server);
        var sessions = await api.ListSessionsAsync();
        Assert.Equal(client.SessionId, sessions[0].GetProperty("sessionId").GetString());
        Assert.Equal(["kept", "other"], sessions[0].GetProperty("shells").EnumerateArray().Select(shell => shell.GetProperty("shellId").GetString()).Order());
        using var again = await ShellClient.OpenAsync(server, client.SessionId, "kept");
        Assert.Equal("/root/here yes\n", await again.RunAsync("echo $PWD $kept"));
        Assert.Equal("alive\n", await again.RunAsync($"kill -0 {job} && echo alive"));
        client.Dispose();
    }

    [Fact]
    public async Task A_command_ends_with_the_server_that_relays_it()
    {
        await using var server = await TestServer.StartAsync();
        using var api = new ApiClient(server);
        var sessionId = ShellClient.NewSessionId();
        using var running = await api.StartCommandAsync(sessionId, "sleep 4242", null, TestContext.Current.CancellationToken);
        await Patience.UntilAsync("the command to run", async () => (await api.RunCommandAsync(sessionId, "pgrep -f '^sleep 4242'")).ExitCode == 0);
        await server.KillAsync();
        await server.StartAgainAsync();
        await Patience.UntilAsync("the command to be gone", async () => (await api.RunCommandAsync(sessionId, "pgrep -f '^sleep 4242'")).ExitCode != 0);
    }

    [Fact]
    public async Task A_shell_that_was_closed_or_ended_just_before_the_kill_does_not_come_back()
    {
        await using var server = await TestServer.StartAsync();
        using var closed = await ShellClient.OpenAsync(server, shellId: "closed");
        using var ended = await ShellClient.OpenAsync(server, closed.SessionId, "ended");
        await closed.CloseShellAsync();
        await ended.SendAsync("exit 3\n");
        await ended.ReadCloseAsync();
        await server.KillAsync();
        await server.StartAgainAsync();
        foreach (var shellId in (string[])["closed", "ended"])
        {
            using var fresh = await ShellClient.OpenAsync(server, closed.SessionId, shellId);
            Assert.False(fresh.Reconnected);
        }
    }

    /// <summary>Whether the output of a session's seq has stopped to move: true after it looked the same twice.</summary>
    private static Func<Task<bool>> StandsStill(TestServer server, string sessionId)
    {
        var before = "";
        return async () =>
        {
            using var api = new ApiClient(server);
            var now = (await api.RunCommandAsync(sessionId, "cat /proc/$(pgrep -x seq)/io | grep wchar; sleep 0.2; cat /proc/$(pgrep -x seq)/io | grep wchar")).Stdout;
            var still = now == before && now.Split('\n')[0] == now.Split('\n')[1];
            before = now;
            return still;
        };
    }

    private static string Numbers(int first, int last)
    {
        var text = new StringBuilder();
        for (var i = first; i <= last; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i}\n");
        return text.ToString();
    }

    private static async Task ReadAsync(ShellClient client, StringBuilder printed, int until, string? lastLine = null)
    {
        using var deadline = Patience.Deadline();
        Take(client, printed);
        while (printed.Length < until && (lastLine is null || !EndsWithLine(printed, lastLine)))
        {
            await client.ReadAsync(deadline.Token);
            Take(client, printed);
        }
    }

    // What is left on the wire of a connection that ends.
    private static async Task<int> DrainAsync(ShellClient client, StringBuilder printed)
    {
        using var deadline = Patience.Deadline();
        while (await client.Socket.ReadFrameAsync(deadline.Token) is { } frame)
        {
            if (frame.Opcode == RawFrame.Close)
            {
                await client.Socket.SendRawAsync(RawSocket.CloseFrame(frame.CloseCode));
                client.Dispose();
                return frame.CloseCode;
            }

            if (frame.Payload[0] == ShellClient.Stdout)
                printed.Append(Encoding.Latin1.GetString(frame.Payload.AsSpan(1)));
        }

        client.Dispose();
        return 1006;
    }

    private static void Take(ShellClient client, StringBuilder printed)
    {
        printed.Append(client.Output);
        client.Output.Clear();
    }

    // Whether the last line is whole and begins with a text.
    private static bool EndsWithLine(StringBuilder text, string beginning)
    {
        var tail = text.ToString(Math.Max(0, text.Length - 40), Math.Min(40, text.Length));
        var line = tail.LastIndexOf('\n', Math.Max(0, tail.Length - 2)) + 1;
        return tail.EndsWith('\n') && tail.AsSpan(line).StartsWith(beginning);
    }

    /// <summary>Output without end in which every byte is known by its place.</summary>
    private sealed class Flood
    {
        public const string Command = "seq 10000000000 99999999999";

        private const int LineBytes = 12;

        private long _offset;

        public long Offset => Volatile.Read(ref _offset);

        public void Skip(long bytes) => _offset += bytes;

        /// <summary>Reads until the connection ends and checks every byte.</summary>
        /// <returns>The close code; 1006 when the connection dropped.</returns>
        public async Task<int> ReadToEndAsync(ShellClient client)
        {
            using var deadline = Patience.Deadline();
            while (await client.Socket.ReadFrameAsync(deadline.Token) is { } frame)
            {
                if (frame.Opcode == RawFrame.Close)
                    return frame.CloseCode;
                if (frame.Opcode == RawFrame.Binary && frame.Payload[0] == ShellClient.Stdout)
                    Check(frame.Payload.AsSpan(1));
            }

            return 1006;
        }

        private void Check(ReadOnlySpan<byte> bytes)
        {
            Span<byte> line = stackalloc byte[LineBytes];
            for (var done = 0; done < bytes.Length;)
            {
                var (number, within) = Math.DivRem(_offset + done, LineBytes);
                (10_000_000_000 + number).TryFormat(line, out _);
                line[^1] = (byte)'\n';
                var expected = line[(int)within..];
                var got = bytes.Slice(done, Math.Min(expected.Length, bytes.Length - done));
                if (!got.SequenceEqual(expected[..got.Length]))
                    Assert.Fail($"at {_offset + done} '{Encoding.Latin1.GetString(got)}' came instead of '{Encoding.Latin1.GetString(expected)}'");
                done += got.Length;
            }

            Volatile.Write(ref _offset, _offset + bytes.Length);
        }
    }
}
