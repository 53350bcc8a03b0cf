using FsCheck;
using FsCheck.Fluent;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>Whatever arrives on a lane, at worst that lane is closed: other lanes and all shells go on.</summary>
public sealed class HostileLinkTests : IDisposable
{
    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Theory]
    [InlineData("474554202f20485454502f312e310d0a0d0a")] // GET / HTTP/1.1
    [InlineData("060000010000000000000000ffff")] // Hello without its magic number
    [InlineData("06000001000000005048474c0000")] // version 0
    [InlineData("ffffff0100000000")] // 16 MB long
    [InlineData("0000000200000000")] // Ping before Hello
    [InlineData("00000001" + "01000000")] // Hello on a stream
    public void A_peer_that_does_not_say_hello_is_hung_up_on(string bytes)
    {
        var bystander = _guest.OpenLane().Attach(1, "one").Confirm();
        var lane = _guest.ConnectLane();
        lane.Send(Convert.FromHexString(bytes));
        lane.WaitForClose();
        Assert.Contains("42", bystander.Run("echo $((6*7))"), StringComparison.Ordinal);
        Assert.Contains("lane closed", _guest.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_peer_is_answered_with_our_version()
    {
        var lane = _guest.ConnectLane();
        lane.Send(new LinkHello(ushort.MaxValue).Write(lane.Writer));
        lane.Greet();
        lane.Ping();
    }

    [Fact]
    public void Frames_that_nobody_knows_and_frames_for_no_stream_are_ignored()
    {
        var lane = _guest.OpenLane();
        foreach (var type in Enum.GetValues<LinkFrameType>().Append((LinkFrameType)200).Except(
            [LinkFrameType.Hello, LinkFrameType.Ping, LinkFrameType.Shutdown, LinkFrameType.AttachShell, LinkFrameType.StartCommand,
                LinkFrameType.AttachAgent, LinkFrameType.ConnectPort, LinkFrameType.ListShells, LinkFrameType.Awake]))
        {
            lane.Send(LinkSmallFrames.WriteBytes(lane.Writer, type, 0, [1, 2, 3]));
            lane.Send(LinkSmallFrames.WriteBytes(lane.Writer, type, 77, [1, 2, 3]));
        }

        lane.Ping();
        var shell = lane.Attach(1, "one").Confirm();
        shell.Send((LinkFrameType)201);
        Assert.Contains("42", shell.Run("echo $((6*7))"), StringComparison.Ordinal);
    }

    [Fact]
    public void Input_beyond_its_credit_closes_the_lane_and_leaves_the_shell()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one", program: Lane.Program(["sh", "-c", "stty raw -echo; printf ready; exec sleep 1001"])).Confirm();
        shell.WaitFor("ready");
        shell.Type(new byte[64 * 1024]);
        shell.Type(new byte[64 * 1024]);
        lane.WaitForClose();
        Assert.False(_guest.OpenLane().Attach(1, "one").Confirm().Attached.Created);
    }

    [Fact]
    public void A_stream_number_that_is_in_use_closes_the_lane()
    {
        var lane = _guest.OpenLane();
        lane.Attach(1, "one").Confirm();
        lane.Attach(1, "two");
        lane.WaitForClose();
    }

    [Fact]
    public void A_lane_that_is_never_read_is_given_up_at_a_bound()
    {
        var lane = _guest.OpenLane();
        var ping = LinkSmallFrames.WriteBytes(lane.Writer, LinkFrameType.Ping, 0, new byte[64]).ToArray();
        var many = Enumerable.Repeat(ping, 1000).SelectMany(bytes => bytes).ToArray();
        var error = Record.Exception(() =>
        {
            for (var i = 0; i < 1000; i++)
                lane.Send(many);
        });
        Assert.IsType<System.Net.Sockets.SocketException>(error);
        _guest.OpenLane().Ping();
    }

    [Fact]
    public void Arguments_that_C_cannot_express_are_a_clear_failure()
    {
        var failure = _guest.OpenLane().Run(1, ["printf", "a\0b"]).WaitForFailure();
        Assert.Equal(LinkFailureReason.CannotStart, failure.Reason);
        Assert.Contains("NUL", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_no_shell_may_have_is_refused()
    {
        Assert.Equal(LinkFailureReason.CannotStart, _guest.OpenLane().Attach(1, "../x").WaitForFailure().Reason);
        Assert.Equal(LinkFailureReason.CannotStart, _guest.OpenLane().Attach(1, "").WaitForFailure().Reason);
    }

    [Fact]
    public void Lanes_beyond_the_bound_are_refused_and_room_comes_back()
    {
        var lanes = Enumerable.Range(0, 512).Select(_ => _guest.OpenLane()).ToList();
        _guest.ConnectLane().WaitForClose();
        lanes.ForEach(lane => lane.Dispose());
        _guest.WaitUntil(() => _guest.ThreadCount < 20, () => $"{_guest.ThreadCount} threads");
        _guest.OpenLane().Ping();
    }

    [Fact]
    public void Random_frames_close_at_most_their_own_lane()
    {
        var bystander = _guest.OpenLane().Attach(1, "bystander").Confirm();
        Prop.ForAll(RandomLane().ToArbitrary(), random =>
        {
            using var lane = _guest.OpenLane();
            try
            {
                lane.Send(random.Bytes);
                if (random.AreWhole)
                    lane.Ping();
            }
            catch (Exception error) when (error is EndOfStreamException or System.Net.Sockets.SocketException)
            {
                // The guest hung up, as it may.
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
        Assert.Contains("42", bystander.Run("echo $((6*7))"), StringComparison.Ordinal);
    }

    /// <summary>Sequences of frames, mostly of known types on few streams, some of them valid requests, some cut short.</summary>
    private static Gen<(byte[] Bytes, bool AreWhole)> RandomLane()
    {
        var types = Enum.GetValues<LinkFrameType>().Except([LinkFrameType.Shutdown]).Select(type => (byte)type).Append((byte)99).ToArray();
        var payload = ArbMap.Default.ArbFor<byte[]>().Generator;
        var junk = from type in Gen.Elements(types)
                   from stream in Gen.Choose(0, 3)
                   from bytes in payload
                   select Frame(type, (uint)stream, bytes);
        var requests = from id in Gen.Elements("a", "b", "c")
                       from stream in Gen.Choose(1, 3)
                       from offset in Gen.Elements(-1L, 0, long.MinValue, long.MaxValue)
                       from program in Gen.Elements<string[]?>(null, ["cat"], ["yes"], ["true"], ["no-such-program"])
                       from size in ArbMap.Default.ArbFor<ushort>().Generator
                       select new AttachShell(id, offset, new TerminalSize(size, size), size, size, program is null ? null : Lane.Program(program))
                           .Write(new LinkWriter(), (uint)stream).ToArray();
        var commands = from stream in Gen.Choose(1, 3)
                       from program in Gen.Elements<string[]>(["yes"], ["true"], ["cat"])
                       select new StartCommand(1000, Lane.Program(program)).Write(new LinkWriter(), (uint)stream).ToArray();
        return from frames in Gen.Frequency((6, junk), (2, requests), (1, commands)).ListOf()
               from cut in Gen.Choose(0, 3)
               let bytes = frames.SelectMany(frame => frame).ToArray()
               select (cut == 0 ? bytes[..(bytes.Length * 2 / 3)] : bytes, cut != 0);
    }

    private static byte[] Frame(byte type, uint stream, byte[] payload)
    {
        var frame = new byte[LinkFrame.HeaderBytes + payload.Length];
        new LinkFrame(payload.Length, (LinkFrameType)type, stream).WriteTo(frame);
        payload.CopyTo(frame.AsSpan(LinkFrame.HeaderBytes));
        return frame;
    }
}
