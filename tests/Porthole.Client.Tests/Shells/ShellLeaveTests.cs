using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests.Shells;

public sealed class ShellLeaveTests
{
    [Fact]
    public async Task Detaching_sends_what_was_typed_and_a_plain_close()
    {
        await using var pair = await ShellPair.OpenAsync();
        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        await pair.Shell.SendAsync("last words"u8.ToArray());
        await pair.Shell.DetachAsync();

        Assert.Equal("last words", await pair.Server.ReceiveStdinAsync());
        Assert.Null((await pair.Server.ReceiveAsync()).Channel);
        Assert.Equal(1000, pair.Server.CloseCodeFromClient);
        await pair.Server.CloseAsync(1000);
        Assert.Equal(ShellEndReason.Detached, (await end).End.Reason);
    }

    [Fact]
    public async Task Detaching_from_a_server_that_says_nothing_ends_all_the_same()
    {
        await using var pair = await ShellPair.OpenAsync();
        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        await pair.Shell.DetachAsync();
        Assert.Equal(ShellEndReason.Detached, (await end).End.Reason);
    }

    [Fact]
    public async Task Closing_sends_what_was_typed_and_CLOSE_and_its_echo_is_the_end()
    {
        await using var pair = await ShellPair.OpenAsync();
        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        await pair.Shell.SendAsync("last words"u8.ToArray());
        await pair.Shell.CloseAsync();

        Assert.Equal("last words", await pair.Server.ReceiveStdinAsync());
        Assert.Equal(ShellFrameChannel.Close, (await pair.Server.ReceiveAsync()).Channel);
        await pair.Server.SendAsync(ShellFrameChannel.Close);
        await pair.Server.CloseAsync(1000);
        Assert.Equal(ShellEndReason.Closed, (await end).End.Reason);
    }

    [Fact]
    public async Task Closing_while_disconnected_happens_after_the_reconnect()
    {
        await using var pair = await ShellPair.OpenAsync();
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        await pair.Shell.CloseAsync();
        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        var second = await (await pair.Listener.NextAsync()).AttachAsync(reconnected: true);
        await back;
        Assert.Equal(ShellFrameChannel.Close, (await second.ReceiveAsync()).Channel);
    }

    [Fact]
    public async Task A_CLOSE_that_may_have_been_lost_is_sent_again()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Shell.CloseAsync();
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        var back = pair.Shell.NextAsync<ShellNotice.Reconnected>();
        var second = await (await pair.Listener.NextAsync()).AttachAsync(reconnected: false);
        await back;
        Assert.Equal(ShellFrameChannel.Close, (await second.ReceiveAsync()).Channel);
    }

    [Fact]
    public async Task Disposing_while_reading_detaches_and_the_reader_learns_of_it()
    {
        await using var pair = await ShellPair.OpenAsync();
        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        await Task.WhenAll(pair.Shell.DisposeAsync().AsTask(), pair.Shell.DisposeAsync().AsTask()).Within("two disposes");
        Assert.Equal(ShellEndReason.Detached, (await end).End.Reason);
        Assert.Null((await pair.Server.ReceiveAsync()).Channel);
    }

    [Fact]
    public async Task Disposing_during_a_reconnect_gives_it_up()
    {
        await using var pair = await ShellPair.OpenAsync();
        pair.Server.Drop();
        await pair.Shell.NextAsync<ShellNotice.Disconnected>();
        var end = pair.Shell.NextAsync<ShellNotice.Ended>();
        var request = await pair.Listener.NextAsync();
        await pair.Shell.DisposeAsync();
        Assert.Equal(ShellEndReason.Detached, (await end).End.Reason);
        request.Abort();
    }
}
