using FsCheck.Xunit;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests.Shells;

public sealed class ShellInputTests
{
    private static readonly ReconnectPolicy AtOnce = ReconnectPolicy.Default with { Delays = [TimeSpan.Zero], Pause = TimeSpan.Zero };

    [Fact]
    public async Task A_keystroke_is_one_frame()
    {
        await using var pair = await ShellPair.OpenAsync();
        await pair.Shell.SendAsync("l"u8.ToArray());
        Assert.Equal("l", await pair.Server.ReceiveStdinAsync());
    }

    [Fact]
    public async Task What_is_larger_than_a_frame_goes_in_frames_of_at_most_64_KB()
    {
        await using var pair = await ShellPair.OpenAsync();
        var given = new byte[200_000];
        Random.Shared.NextBytes(given);
        await pair.Shell.SendAsync(given);
        var received = new List<byte>();
        while (received.Count < given.Length)
        {
            var (channel, payload) = await pair.Server.ReceiveAsync();
            Assert.Equal(ShellFrameChannel.Stdin, channel);
            Assert.InRange(payload.Length, 1, 65_535);
            received.AddRange(payload);
        }

        Assert.Equal(given, received);
    }

    [Fact]
    public async Task Many_small_writes_stay_below_250_frames_a_second_and_lose_nothing()
    {
        await using var pair = await ShellPair.OpenAsync();
        var count = 2_000;
        var start = TimeProvider.System.GetTimestamp();
        var sending = Task.Run(async () =>
        {
            for (var key = 0; key < count; key++) await pair.Shell.SendAsync(new[] { (byte)key });
        });
        var (received, frames) = (0, 0);
        while (received < count)
        {
            var (_, payload) = await pair.Server.ReceiveAsync();
            Assert.All(payload, value => Assert.Equal((byte)received++, value));
            frames++;
        }

        await sending;
        Assert.True(frames <= 41 + (TimeProvider.System.GetElapsedTime(start).TotalSeconds * 180), $"{frames} frames");
    }

    [Fact]
    public async Task A_full_queue_makes_the_sender_wait_until_the_server_acknowledges()
    {
        await using var pair = await ShellPair.OpenAsync(inputOffset: 0);
        var reading = pair.Shell.ReadAsync().AsTask();
        var sending = pair.Shell.SendAsync(new byte[InputBuffer.Capacity + 1]).AsTask();
        var (received, asked) = (0, false);
        while (received < InputBuffer.Capacity)
        {
            var (channel, payload) = await pair.Server.ReceiveAsync();
            if (channel == ShellFrameChannel.Stdin) received += payload.Length;
            else asked |= channel == ShellFrameChannel.Heartbeat;
        }

        Assert.True(asked);

        Assert.False(sending.IsCompleted);
        await pair.Server.SendAsync(ShellFrameChannel.Heartbeat);
        await sending.Within("the sender");
        while (received <= InputBuffer.Capacity)
        {
            var (channel, payload) = await pair.Server.ReceiveAsync();
            if (channel == ShellFrameChannel.Stdin) received += payload.Length;
        }

        await pair.Server.StatusAsync(new ShellStatus.Exited(0));
        await reading;
    }

    [Fact]
    public async Task A_sender_that_waits_is_told_when_the_shell_ends()
    {
        await using var pair = await ShellPair.OpenAsync(inputOffset: 0);
        var sending = pair.Shell.SendAsync(new byte[InputBuffer.Capacity + 1]).AsTask();
        var next = Assert.ThrowsAsync<ShellEndedException>(async () => await pair.Shell.SendAsync(new byte[1]));
        await pair.Server.StatusAsync(new ShellStatus.Exited(0));
        await pair.Shell.NextAsync<ShellNotice.Ended>();
        await Assert.ThrowsAsync<ShellEndedException>(() => sending.Within("the waiting sender"));
        await next.Within("the sender behind it");
    }

    [Fact]
    public async Task At_most_one_heartbeat_is_under_way()
    {
        await using var pair = await ShellPair.OpenAsync(inputOffset: 0);
        pair.Shell.Heartbeat();
        pair.Shell.Heartbeat();
        await pair.Shell.SendAsync("x"u8.ToArray());
        Assert.Equal(ShellFrameChannel.Heartbeat, (await pair.Server.ReceiveAsync()).Channel);
        Assert.Equal("x", await pair.Server.ReceiveStdinAsync());

        // The second one goes out when the first has come back.
        var reading = pair.Shell.ReadAsync().AsTask();
        await pair.Server.SendAsync(ShellFrameChannel.Heartbeat);
        Assert.Equal(ShellFrameChannel.Heartbeat, (await pair.Server.ReceiveAsync()).Channel);
        await pair.Server.StatusAsync(new ShellStatus.Exited(0));
        await reading;
    }

    [Property(MaxTest = 15)]
    public async Task However_often_the_connection_drops_a_counting_shell_gets_every_byte_once_and_in_order(byte[] plan, int seed)
    {
        await using var listener = await ScriptedServer.StartAsync();
        using var client = listener.Client();
        var accepted = new List<byte>();
        var serving = ServeAsync(listener, accepted, new Queue<byte>(plan), new Random(seed));
        await using var shell = await client.OpenShellAsync(ScriptedServer.RuntimeArn, new ShellOptions { Reconnect = AtOnce }).Within("the attach");
        var reading = ReadToEndAsync(shell);

        var random = new Random(seed + 1);
        var given = new List<byte>();
        for (var chunk = 0; chunk < 20 + plan.Length; chunk++)
        {
            var bytes = new byte[random.Next(1, random.Next(1, 20_000))];
            random.NextBytes(bytes);
            given.AddRange(bytes);
            await shell.SendAsync(bytes).AsTask().Within("room for input");
        }

        await shell.CloseAsync();
        await serving.Within("CLOSE to arrive");
        await reading.Within("the end");
        Assert.Equal(given, accepted);
    }

    // Accepts some of each frame, drops the connection where the plan says so, and ends when it gets CLOSE.
    private static async Task ServeAsync(ScriptedServer listener, List<byte> accepted, Queue<byte> plan, Random random)
    {
        for (var attached = false; ; attached = true)
        {
            var socket = await (await listener.NextAsync()).AttachAsync(attached, inputOffset: accepted.Count);
            var framesLeft = plan.TryDequeue(out var frames) ? frames % 8 : int.MaxValue;
            while (true)
            {
                var (channel, payload) = await socket.ReceiveAsync();
                var drop = framesLeft-- == 0;
                if (channel == ShellFrameChannel.Stdin)
                {
                    accepted.AddRange(payload[..(drop ? random.Next(payload.Length + 1) : payload.Length)]);
                }

                if (drop) break;
                if (channel == ShellFrameChannel.Heartbeat) await socket.SendAsync(ShellFrameChannel.Heartbeat);
                if (channel != ShellFrameChannel.Close) continue;
                await socket.SendAsync(ShellFrameChannel.Close);
                await socket.CloseAsync(1000);
                return;
            }

            socket.Drop();
        }
    }

    private static async Task ReadToEndAsync(ShellConnection shell)
    {
        await foreach (var message in shell.ReadAllAsync())
            Assert.Equal(0, message.Notice is ShellNotice.Reconnected back ? back.InputLost : 0);
    }
}
