using System.Diagnostics;
using System.Globalization;
using System.Text;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>Commands (contract section 8): what they print, how they end, and that nothing of them is left.</summary>
public sealed class CommandTests(SharedServer shared) : IDisposable
{
    private readonly TestServer _server = shared.Server;
    private readonly ApiClient _api = new(shared.Server);
    private readonly string _sessionId = ShellClient.NewSessionId();

    [Fact]
    public async Task Stdout_stderr_and_the_exit_code_are_separate_and_exact()
    {
        var result = await _api.RunCommandAsync(_sessionId, "printf 'one\\ntwo'; printf 'bad\\n' >&2; exit 42");
        Assert.Equal(("one\ntwo", "bad\n", 42, "COMPLETED"), (result.Stdout, result.Stderr, result.ExitCode, result.Status));
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("exit 255", 255)]
    [InlineData("kill -TERM $$", 143)]
    [InlineData("kill -9 $$", 137)]
    [InlineData("nonsense-that-is-no-command", 127)]
    [InlineData("/etc/passwd", 126)]
    [InlineData("if", 2)]
    public async Task The_exit_code_is_the_one_a_shell_reports(string command, int exitCode)
    {
        var result = await _api.RunCommandAsync(_sessionId, command);
        Assert.Equal((exitCode, "COMPLETED"), (result.ExitCode, result.Status));
    }

    [Fact]
    public async Task A_character_that_comes_in_pieces_is_whole_in_one_event()
    {
        var result = await _api.RunCommandAsync(_sessionId, "for b in '\\xf0' '\\x9f' '\\x90' '\\x8b' '\\xe2' '\\x82' '\\xac'; do printf $b; sleep 0.03; done");
        Assert.Equal("\U0001F40B\u20ac", result.Stdout);
        Assert.All(result.Events, e => Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(e.Payload.Span)));
    }

    [Fact]
    public async Task Bytes_that_are_no_utf8_are_replaced_and_the_rest_is_kept()
    {
        var result = await _api.RunCommandAsync(_sessionId, "printf 'a\\xffb\\xc3'");
        Assert.Equal("a\uFFFDb\uFFFD", result.Stdout);
    }

    [Fact]
    public async Task Control_characters_quotes_and_line_ends_pass_unchanged()
    {
        var result = await _api.RunCommandAsync(_sessionId, "printf '\\0\\1\\033[1m\\\\ \"quoted\" \\r\\n\\t\\177'");
        Assert.Equal("\0\u0001\u001b[1m\\ \"quoted\" \r\n\t\u007f", result.Stdout);
    }

    [Fact]
    public async Task Output_arrives_while_the_command_runs()
    {
        using var response = await _api.StartCommandAsync(_sessionId, "echo first; read -t 1000 < /tmp/pipe; echo second");
        await using var events = ApiClient.ReadEventsAsync(response).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var text = "";
        while (!text.Contains("first", StringComparison.Ordinal) && await events.MoveNextAsync())
            text += Encoding.UTF8.GetString(events.Current.Payload.Span);
        Assert.Contains("first", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_has_no_input_and_shares_no_state_with_the_next()
    {
        Assert.Equal("0\n", (await _api.RunCommandAsync(_sessionId, "wc -c")).Stdout);
        await _api.RunCommandAsync(_sessionId, "cd /tmp; variable=1; export variable");
        Assert.Equal("/ none\n", (await _api.RunCommandAsync(_sessionId, "echo $PWD ${variable-none}")).Stdout);
        Assert.Equal("0 root\n", (await _api.RunCommandAsync(_sessionId, "echo $(id -u) $USER")).Stdout);
    }

    [Fact]
    public async Task Commands_of_one_session_run_beside_each_other()
    {
        await _api.RunCommandAsync(_sessionId, "mkfifo /tmp/meet");
        var results = await Task.WhenAll(
            _api.RunCommandAsync(_sessionId, "echo hello > /tmp/meet"), _api.RunCommandAsync(_sessionId, "cat /tmp/meet"));
        Assert.Equal("hello\n", results[1].Stdout);
    }

    [Fact]
    public async Task A_command_whose_time_is_up_is_ended_with_its_children_and_keeps_what_it_said()
    {
        var started = Stopwatch.GetTimestamp();
        var result = await _api.RunCommandAsync(_sessionId, "echo before; sleep 7171 & sleep 7172", timeoutSeconds: 1);
        Assert.Equal(("before\n", -1, "TIMED_OUT"), (result.Stdout, result.ExitCode, result.Status));
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 1, 30);
        await Patience.UntilAsync("its children to be gone", async () => (await _api.RunCommandAsync(_sessionId, "pgrep -f '^sleep 717'")).ExitCode != 0);
    }

    [Fact]
    public async Task A_command_that_will_not_end_is_killed()
    {
        var result = await _api.RunCommandAsync(_sessionId, "trap '' TERM HUP INT; echo deaf; while :; do sleep 1; done", timeoutSeconds: 1);
        Assert.Equal(("deaf\n", -1, "TIMED_OUT"), (result.Stdout, result.ExitCode, result.Status));
        Assert.NotEqual(0, (await _api.RunCommandAsync(_sessionId, "pgrep -f 'trap'' TERM'")).ExitCode);
    }

    [Fact]
    public async Task A_client_that_leaves_takes_its_command_along()
    {
        using (var response = await _api.StartCommandAsync(_sessionId, "sleep 8181 & sleep 8182"))
            await Patience.UntilAsync("the command to run", async () => (await _api.RunCommandAsync(_sessionId, "pgrep -f '^sleep 8182'")).ExitCode == 0);
        await Patience.UntilAsync("the command to be gone", async () => (await _api.RunCommandAsync(_sessionId, "pgrep -f '^sleep 818'")).ExitCode != 0);
    }

    [Fact]
    public async Task Much_output_arrives_whole_and_the_server_stays_small()
    {
        var before = ResidentMegabytes();
        using var response = await _api.StartCommandAsync(_sessionId, "seq 1 3000000");
        var (next, rest) = (1, "");
        await foreach (var e in ApiClient.ReadEventsAsync(response))
        {
            var payload = System.Text.Json.JsonElement.Parse(e.Payload.Span);
            if (!payload.TryGetProperty("contentDelta", out var delta))
                continue;
            Assert.InRange(Encoding.UTF8.GetByteCount(delta.GetProperty("stdout").GetString()!), 1, 65_536);
            var lines = (rest + delta.GetProperty("stdout").GetString()).Split('\n');
            foreach (var line in lines.AsSpan(0, lines.Length - 1))
                Assert.Equal(next++, int.Parse(line, CultureInfo.InvariantCulture));
            rest = lines[^1];
        }

        Assert.Equal((3_000_001, ""), (next, rest));
        Assert.InRange(ResidentMegabytes() - before, -1000, 100);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_holds_the_command_up_and_costs_little()
    {
        using var response = await _api.StartCommandAsync(_sessionId, "yes | head -c 90000000; echo done > /tmp/through");
        var before = ResidentMegabytes();
        var written = "";
        await Patience.UntilAsync("the command to stand still", async () =>
        {
            var now = (await _api.RunCommandAsync(_sessionId, "grep wchar /proc/$(pgrep -x head)/io; sleep 0.3")).Stdout;
            var still = now == written && now.Length > 0;
            written = now;
            return still;
        });
        Assert.InRange(ResidentMegabytes() - before, -1000, 50);
        Assert.NotEqual(0, (await _api.RunCommandAsync(_sessionId, "cat /tmp/through")).ExitCode);
    }

    [Fact]
    public async Task A_command_that_says_more_than_100_MB_is_ended_with_an_exception()
    {
        using var response = await _api.StartCommandAsync(_sessionId, "yes 0123456789012345678901234567890123456789012345678901234567890123456789");
        var bytes = 0L;
        string? exception = null;
        await foreach (var e in ApiClient.ReadEventsAsync(response))
        {
            bytes += e.Payload.Length;
            exception = e.ExceptionType ?? exception;
        }

        Assert.Equal("runtimeClientError", exception);
        Assert.InRange(bytes, 100_000_000, 140_000_000);
        await Patience.UntilAsync("the command to be gone", async () => (await _api.RunCommandAsync(_sessionId, "pgrep -x yes")).ExitCode != 0);
    }

    public void Dispose() => _api.Dispose();

    private long ResidentMegabytes()
    {
        using var server = Process.GetProcessById(_server.ProcessId);
        return server.WorkingSet64 >> 20;
    }
}
