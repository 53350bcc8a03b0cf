using System.Net.Sockets;
using System.Security.Cryptography;
using Porthole.Protocol.Link;
using Porthole.Sandboxes.Machines;

namespace Porthole.Sandboxes.Tests;

/// <summary>The link to a virtual machine: many lanes over one port, with whoever is at its other end.</summary>
public sealed class MachineLinkTests
{
    private readonly LinkWriter _writer = new();

    [Fact]
    public async Task Lanes_share_the_port_and_each_gets_the_answers_to_its_own_streams()
    {
        using var machine = new StandInMachine();
        using var link = new MachineLink(machine.Directory, null);
        using var one = await OpenAsync(machine, link);
        using var two = await LaneAsync(link);

        // The same number on both lanes.
        await one.SendAsync(Request(1, "one"));
        var first = await machine.NextFrameAsync();
        await two.SendAsync(Request(1, "two"));
        var second = await machine.NextFrameAsync();
        Assert.NotEqual(first.Frame.Stream, second.Frame.Stream);
        Assert.Equal(["one", "two"], new[] { first, second }.Select(request => StartCommand.Read(request.Payload).Program.Arguments[0]));
        await machine.SendAsync(Output(second.Frame.Stream, "to two"));
        await machine.SendAsync(Output(first.Frame.Stream, "to one"));
        Assert.Equal((1u, "to one"), await one.ReceiveAsync());
        Assert.Equal((1u, "to two"), await two.ReceiveAsync());
    }

    [Fact]
    public async Task A_lane_that_closes_gives_up_its_streams_and_no_others()
    {
        using var machine = new StandInMachine();
        using var link = new MachineLink(machine.Directory, null);
        var one = await OpenAsync(machine, link);
        using var two = await LaneAsync(link);
        await one.SendAsync(Request(5, "one"));
        var stream = (await machine.NextFrameAsync()).Frame.Stream;
        one.Dispose();
        var abandoned = await machine.NextFrameAsync();
        Assert.Equal((LinkFrameType.Abandon, stream), (abandoned.Frame.Type, abandoned.Frame.Stream));

        // What was under way to it is nobody's.
        await machine.SendAsync(Output(stream, "late"));
        await two.SendAsync(Request(1, "two"));
        await machine.SendAsync(Output((await machine.NextFrameAsync()).Frame.Stream, "to two"));
        Assert.Equal((1u, "to two"), await two.ReceiveAsync());
    }

    [Fact]
    public async Task A_guest_that_talks_nonsense_loses_its_lanes_and_the_next_lane_begins_anew()
    {
        using var machine = new StandInMachine();
        using var link = new MachineLink(machine.Directory, null);
        using var lane = await OpenAsync(machine, link);
        await machine.SendRawAsync([.. Enumerable.Repeat((byte)0xFF, 64)]);
        await machine.HangUpAsync();
        await lane.WaitForEndAsync();
        using var next = await OpenAsync(machine, link);
        await next.SendAsync(Request(1, "again"));
        Assert.Equal(LinkFrameType.StartCommand, (await machine.NextFrameAsync()).Frame.Type);
    }

    [Fact]
    public async Task A_guest_that_floods_a_lane_nobody_reads_loses_that_lane_alone()
    {
        using var machine = new StandInMachine();
        using var link = new MachineLink(machine.Directory, null);
        using var victim = await OpenAsync(machine, link);
        using var other = await LaneAsync(link);
        await victim.SendAsync(Request(1, "victim"));
        var flooded = (await machine.NextFrameAsync()).Frame.Stream;
        await other.SendAsync(Request(1, "other"));
        var spared = (await machine.NextFrameAsync()).Frame.Stream;
        for (var i = 0; i < 200; i++)
            await machine.SendAsync(Output(flooded, new string('x', 60_000)));
        Assert.Equal(LinkFrameType.Abandon, (await machine.NextFrameAsync()).Frame.Type);
        await machine.SendAsync(Output(spared, "still here"));
        Assert.Equal((1u, "still here"), await other.ReceiveAsync());
    }

    [Fact]
    public async Task What_a_guest_said_before_a_reset_counts_for_nothing()
    {
        using var machine = new StandInMachine();
        using var link = new MachineLink(machine.Directory, null);
        var waiting = LaneAsync(link);
        await machine.AcceptAsync();
        await machine.SendRawAsync([.. RandomNumberGenerator.GetBytes(100_000), MachinePort.Reset, .. new byte[MachinePort.TokenBytes]]);
        await Assert.ThrowsAsync<TimeoutException>(() => waiting.WaitAsync(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken));
        link.Dispose();
        await Assert.ThrowsAsync<SandboxException>(() => waiting.InTime());
    }

    [Fact]
    public void A_frame_in_which_a_server_was_killed_ends_in_zeros_and_is_dropped()
    {
        var frame = LinkSmallFrames.WriteBytes(_writer, LinkFrameType.Input, 7, new byte[3000].Select(_ => (byte)'x').ToArray()).ToArray();
        var unit = new byte[frame.Length + 2];
        MachinePort.Wrap(frame, unit);
        var token = RandomNumberGenerator.GetBytes(MachinePort.TokenBytes);
        for (var cut = 0; cut < unit.Length; cut += cut < 20 ? 1 : 97)
        {
            byte[] sent = [.. unit, .. unit[..cut], .. new byte[MachinePort.PaddingBytes], MachinePort.Reset, .. token, .. unit];
            Assert.Equal([MachinePortUnit.Frame, MachinePortUnit.Reset, MachinePortUnit.Frame], Read(sent));
        }
    }

    private static List<MachinePortUnit> Read(byte[] sent)
    {
        var reader = new MachinePortReader();
        var units = new List<MachinePortUnit>();
        for (var start = 0; start < sent.Length;)
        {
            var count = Math.Min(reader.Room.Length, sent.Length - start);
            sent.AsSpan(start, count).CopyTo(reader.Room);
            reader.Filled(count);
            start += count;
            while (reader.Next(out _) is var unit and not MachinePortUnit.None)
                units.Add(unit);
        }

        return units;
    }

    private static async Task<Lane> OpenAsync(StandInMachine machine, MachineLink link)
    {
        var lane = LaneAsync(link);
        await machine.GreetAsync();
        return await lane;
    }

    private static async Task<Lane> LaneAsync(MachineLink link)
    {
        using var descriptor = await link.ConnectAsync(TestContext.Current.CancellationToken);
        var lane = new Lane(new Socket(new SafeSocketHandle(descriptor.Number, ownsHandle: true)));
        descriptor.SetHandleAsInvalid();
        Assert.Equal(0u, (await lane.ReceiveAsync()).Stream);
        return lane;
    }

    private byte[] Request(uint stream, string name) => new StartCommand(1000, new ProgramSpec([name], [], "/")).Write(_writer, stream).ToArray();

    private byte[] Output(uint stream, string text) => LinkSmallFrames.WriteBytes(_writer, LinkFrameType.Output, stream, System.Text.Encoding.ASCII.GetBytes(text)).ToArray();

    /// <summary>The server's end of a lane.</summary>
    private sealed class Lane(Socket socket) : IDisposable
    {
        private byte[] _received = [];

        public async Task SendAsync(byte[] frame) => await socket.SendAsync(frame, SocketFlags.None, TestContext.Current.CancellationToken).AsTask().InTime();

        public async Task<(uint Stream, string Text)> ReceiveAsync()
        {
            while (true)
            {
                if (_received.Length >= LinkFrame.HeaderBytes && LinkFrame.ReadHeader(_received) is var frame && _received.Length >= LinkFrame.HeaderBytes + frame.Length)
                {
                    var text = System.Text.Encoding.ASCII.GetString(_received, LinkFrame.HeaderBytes, frame.Length);
                    _received = _received[(LinkFrame.HeaderBytes + frame.Length)..];
                    return (frame.Stream, text);
                }

                var buffer = new byte[4096];
                var count = await socket.ReceiveAsync(buffer, SocketFlags.None, TestContext.Current.CancellationToken).AsTask().InTime();
                Assert.NotEqual(0, count);
                _received = [.. _received, .. buffer[..count]];
            }
        }

        public async Task WaitForEndAsync()
        {
            while (await socket.ReceiveAsync(new byte[4096], SocketFlags.None, TestContext.Current.CancellationToken).AsTask().InTime() > 0)
            {
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
