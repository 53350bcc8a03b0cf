using Microsoft.Extensions.Time.Testing;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests.Shells;

public sealed class ShellReconnectTests
{
    [Theory]
    [InlineData(1001, "the server restarts")]
    [InlineData(1008, "a limit of the connection was reached")]
    [InlineData(1009, "a frame was too large for the server")]
    [InlineData(1011, "the server failed")]
    [InlineData(3999, "the server closed the connection with code 3999")]
    public async Task These_closes_are_bridged_with_the_same_ids(int code, string reason)
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.CloseAsync(code);
        Assert.Equal(new ShellNotice.Disconnected(reason, code), await pair.Shell.NextAsync<ShellNotice.Disconnected>());

        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        var request = await pair.Listener.NextAsync();
        Assert.Equal(pair.Shell.ShellId, request.Query("shellId"));
        Assert.Equal(pair.Shell.SessionId, request.Header(SessionId.HeaderName));
        var second = await request.AttachAsync(reconnected: true, bytesDropped: 77);
        Assert.Equal(new ShellNotice.Reconnected(true, 77, 0, 0), await back);
        await second.PrintAsync("and on");
        await pair.Shell.PrintsAsync("and on");
    }

    [Fact]
    public async Task A_broken_connection_is_bridged()
    {
        await using var pair = await ShellPair.OpenAsync();
        pair.Server.Drop();
        Assert.Null((await pair.Shell.NextAsync<ShellNotice.Disconnected>()).CloseCode);
        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        await (await pair.Listener.NextAsync()).AttachAsync(reconnected: true);
        await back;
    }

    [Theory]
    [InlineData(1000, ShellEndReason.Failed)]
    [InlineData(1003, ShellEndReason.Failed)]
    [InlineData(4000, ShellEndReason.TakenOver)]
    public async Task These_closes_are_the_end(int code, ShellEndReason reason)
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Server.CloseAsync(code);
        Assert.Equal(reason, (await pair.Shell.NextAsync<ShellNotice.Ended>()).End.Reason);
        Assert.False(pair.Listener.HasRequest);
    }

    [Theory]
    [InlineData(1000, ShellEndReason.Failed)]
    [InlineData(4000, ShellEndReason.TakenOver)]
    public async Task They_are_the_end_also_when_they_answer_a_reconnect(int code, ShellEndReason reason)
    {
        await using var pair = await ShellPair.OpenAsync();
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        await (await (await pair.Listener.NextAsync()).AcceptAsync()).CloseAsync(code);
        Assert.Equal(reason, (await end).End.Reason);
    }

    [Fact]
    public async Task Without_a_policy_a_drop_is_the_end()
    {
        await using var pair = await ShellPair.OpenAsync(new ShellOptions { Reconnect = null });
        await pair.Server.CloseAsync(1001);
        Assert.Equal(new ShellEnd(ShellEndReason.Lost, "the server restarts"), (await pair.Shell.NextAsync<ShellNotice.Ended>()).End);
    }

    [Fact]
    public async Task Attempts_follow_the_official_rhythm_and_every_refusal_is_retried()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var policy = ReconnectPolicy.Default with { Jitter = 0 };
        await using var pair = await ShellPair.OpenAsync(new ShellOptions { Reconnect = policy }, time);
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();

        var wait = TimeSpan.Zero;
        foreach (var (attempt, expected) in new[] { 1, 2, 4, 8, 45, 1 }.Index())
        {
            var read = pair.Shell.NextAsync<ShellNotice.RetryFailed>();
            if (wait > TimeSpan.Zero)
            {
                time.Advance(wait - TimeSpan.FromMilliseconds(1));
                Assert.False(pair.Listener.HasRequest);
                time.Advance(TimeSpan.FromMilliseconds(1));
            }

            await (await pair.Listener.NextAsync()).RefuseAsync(AwsError.AccessDenied("not yet"));
            var failed = await read;
            Assert.Equal(new ShellNotice.RetryFailed(attempt + 1, "not yet", TimeSpan.FromSeconds(expected)), failed);
            wait = failed.RetryIn;
        }

        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        time.Advance(wait);
        await (await pair.Listener.NextAsync()).AttachAsync(reconnected: true);
        await back;
    }

    [Fact]
    public async Task When_the_window_is_over_the_shell_is_lost()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var pair = await ShellPair.OpenAsync(new ShellOptions { Reconnect = ReconnectPolicy.Default with { Window = TimeSpan.FromSeconds(2) } }, time);
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        var read = pair.Shell.NextAsync<ShellNotice.RetryFailed>();
        await (await pair.Listener.NextAsync()).RefuseAsync(AwsError.SessionBusy());
        await read;

        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(ShellEndReason.Lost, (await end).End.Reason);
    }

    [Fact]
    public async Task An_attempt_that_gets_no_confirmation_is_given_up_after_its_time()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var pair = await ShellPair.OpenAsync(null, time);
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        var read = pair.Shell.NextAsync<ShellNotice.RetryFailed>();
        await (await pair.Listener.NextAsync()).AcceptAsync();
        time.Advance(ReconnectPolicy.Default.AttemptTimeout);
        Assert.Equal("The server did not open the shell within 30 s.", (await read).Reason);
    }

    [Fact]
    public async Task The_size_is_told_again_after_every_attach_before_any_input()
    {
        await using var pair = await ShellPair.OpenAsync(new ShellOptions { Size = new TerminalSize(100, 40) });
        Assert.Equal((100, 40), await SizeAsync(pair.Server));
        pair.Shell.Resize(new TerminalSize(101, 41));
        Assert.Equal((101, 41), await SizeAsync(pair.Server));

        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        pair.Shell.Resize(new TerminalSize(102, 42));
        await pair.Shell.SendAsync("typed meanwhile"u8.ToArray());
        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        var second = await (await pair.Listener.NextAsync()).AttachAsync(reconnected: true);
        await back;
        Assert.Equal((102, 42), await SizeAsync(second));
        Assert.Equal("typed meanwhile", await second.ReceiveStdinAsync());
    }

    [Fact]
    public async Task A_new_shell_under_the_old_id_is_said_to_be_new_and_gets_no_old_input()
    {
        await using var pair = await ShellPair.OpenAsync(inputOffset: 0);
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        await pair.Shell.SendAsync("exit\n"u8.ToArray());
        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        var second = await (await pair.Listener.NextAsync()).AttachAsync(reconnected: false, inputOffset: 0);
        Assert.Equal(new ShellNotice.Reconnected(false, 0, 0, 5), await back);
        await pair.Shell.SendAsync("new"u8.ToArray());
        Assert.Equal("new", await second.ReceiveStdinAsync());
    }

    [Fact]
    public async Task Leaving_while_disconnected_ends_the_wait()
    {
        await using var pair = await ShellPair.OpenAsync();
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        var read = pair.Shell.NextAsync<ShellNotice.RetryFailed>();
        await (await pair.Listener.NextAsync()).RefuseAsync(AwsError.SessionBusy());
        await read;
        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        await pair.Shell.DetachAsync();
        Assert.Equal(ShellEndReason.Detached, (await end).End.Reason);
    }

    private static async Task<(int Columns, int Rows)> SizeAsync(ScriptedShell server)
    {
        var (channel, payload) = await server.ReceiveAsync();
        Assert.Equal(ShellFrameChannel.Resize, channel);
        Assert.True(TerminalSize.TryParse(payload, out var size));
        return (size.Columns, size.Rows);
    }
}
