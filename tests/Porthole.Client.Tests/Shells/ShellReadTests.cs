using System.Net.WebSockets;
using System.Text;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests.Shells;

public sealed class ShellReadTests
{
    [Fact]
    public async Task Output_arrives_as_it_was_printed_also_in_fragments_and_across_frames()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.PrintAsync("one ");
        await pair.Server.SendRawAsync([ShellFrameChannel.Stdout], WebSocketMessageType.Binary, endOfMessage: false);
        await pair.Server.SendRawAsync("two "u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: false);
        await pair.Server.SendRawAsync("three"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true);
        await pair.Shell.PrintsAsync("one two three");
    }

    [Fact]
    public async Task A_frame_of_64_KB_arrives_whole()
    {
        await using var pair = await ShellPair.OpenAsync();
        var text = string.Concat(Enumerable.Repeat("0123456789abcde\n", 4096))[..65_535];
        await pair.Server.PrintAsync(text);
        await pair.Shell.PrintsAsync(text);
    }

    [Fact]
    public async Task What_means_nothing_here_is_passed_over()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.SendRawAsync([], WebSocketMessageType.Binary, endOfMessage: true);
        await pair.Server.SendRawAsync("text"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true);
        await pair.Server.SendAsync(0x77, 1, 2, 3);
        await pair.Server.SendAsync(ShellFrameChannel.Stdout);
        await pair.Server.SendAsync(ShellFrameChannel.Heartbeat);
        await pair.Server.SendAsync(ShellFrameChannel.Status, "nonsense"u8.ToArray());
        await pair.Server.ConfirmAsync(true, 5, null);
        await pair.Server.PrintAsync("x");
        await pair.Shell.PrintsAsync("x");
    }

    [Fact]
    public async Task A_status_in_fragments_is_read_whole()
    {
        await using var pair = await ShellPair.OpenAsync();
        var frame = Encoding.UTF8.GetBytes("\u0003{\"kind\":\"Status\",\"metadata\":{},\"status\":\"Success\"}");
        await pair.Server.SendRawAsync(frame[..7], WebSocketMessageType.Binary, endOfMessage: false);
        await pair.Server.SendRawAsync(frame[7..], WebSocketMessageType.Binary, endOfMessage: true);
        Assert.Equal(0, (await pair.Shell.NextAsync<ShellNotice.Ended>()).End.ExitCode);
    }

    [Fact]
    public async Task What_the_platform_says_is_a_notice_and_not_output()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.SendAsync(ShellFrameChannel.Stderr, "disk is 90 % full"u8.ToArray());
        Assert.Equal("disk is 90 % full", (await pair.Shell.NextAsync<ShellNotice.Diagnostic>()).Text);
    }

    [Theory]
    [InlineData(0, null, "the shell exited with code 0")]
    [InlineData(42, null, "the shell exited with code 42")]
    [InlineData(137, 9, "the shell was ended by signal 9")]
    public async Task The_shells_end_carries_its_code_and_signal_and_stays(int code, int? signal, string message)
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.PrintAsync("bye");
        await pair.Server.StatusAsync(new ShellStatus.Exited(code, signal));
        await pair.Server.CloseAsync(1000);
        await pair.Shell.PrintsAsync("bye");

        var end = (await pair.Shell.NextAsync<ShellNotice.Ended>()).End;
        Assert.Equal(new ShellEnd(ShellEndReason.Exited, message, code, signal), end);
        Assert.Same(end, (await pair.Shell.NextAsync<ShellNotice.Ended>()).End);
        Assert.Same(end, (await Assert.ThrowsAsync<ShellEndedException>(async () => await pair.Shell.SendAsync("x"u8.ToArray()))).End);
    }

    [Fact]
    public async Task A_platform_error_is_the_end()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.StatusAsync(new ShellStatus.PlatformError("the sandbox died"));
        await pair.Server.CloseAsync(1011);
        Assert.Equal(new ShellEnd(ShellEndReason.Failed, "the sandbox died"), (await pair.Shell.NextAsync<ShellNotice.Ended>()).End);
    }

    [Fact]
    public async Task CLOSE_from_the_server_is_the_end_and_nobody_reconnects()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.SendAsync(ShellFrameChannel.Close);
        await pair.Server.CloseAsync(1000);
        Assert.Equal(ShellEndReason.TakenAway, (await pair.Shell.NextAsync<ShellNotice.Ended>()).End.Reason);
        Assert.False(pair.Listener.HasRequest);
    }

    [Fact]
    public async Task Reading_to_the_end_gives_everything_in_order()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.PrintAsync("a");
        await pair.Server.StatusAsync(new ShellStatus.Exited(1));
        var seen = new List<string>();
        await foreach (var message in pair.Shell.ReadAllAsync())
            seen.Add(message.Notice?.GetType().Name ?? Encoding.UTF8.GetString(message.Output.Span));
        Assert.Equal(["a", "Ended"], seen);
    }

    [Fact]
    public async Task A_cancelled_read_breaks_the_connection_and_the_next_one_brings_it_back()
    {
        await using var pair = await ShellPair.OpenAsync();
        using var impatience = new CancellationTokenSource();
        var reading = pair.Shell.ReadAsync(impatience.Token).AsTask();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Within("the cancelled read"));

        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        await (await pair.Listener.NextAsync()).AttachAsync(reconnected: true);
        await back;
    }

    [Fact]
    public async Task A_server_that_answers_no_ping_is_left_for_a_new_connection()
    {
        var options = new ShellOptions { PingInterval = TimeSpan.FromMilliseconds(50), PongTimeout = TimeSpan.FromMilliseconds(200) };

        // The scripted server answers pings only while it receives, and it does not.
        await using var pair = await ShellPair.OpenAsync(options);
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
    }
}
