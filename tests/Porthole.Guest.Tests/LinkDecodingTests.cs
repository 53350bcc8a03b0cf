using System.Buffers.Binary;
using FsCheck.Xunit;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>Both ends decode what a hostile peer may have made up: each decoder answers or says that it is malformed, and nothing else.</summary>
public sealed class LinkDecodingTests
{
    private delegate void Decode(ReadOnlySpan<byte> payload);

    private static readonly Decode[] Decoders =
    [
        payload => LinkHello.Read(payload), payload => TerminalSize.Read(payload), payload => AttachShell.Read(payload),
        payload => ShellAttached.Read(payload), payload => StartCommand.Read(payload), payload => ProcessExit.Read(payload),
        payload => StreamClosed.Read(payload), payload => LinkFailure.Read(payload), payload => ShellSummary.ReadList(payload),
        payload => LinkSmallFrames.ReadCredit(payload), payload => LinkSmallFrames.ReadSignal(payload),
        payload => AttachAgent.Read(payload), payload => AgentAttached.Read(payload), payload => ConnectPort.Read(payload), payload => PortConnected.Read(payload),
    ];

    [Property(MaxTest = 2000)]
    public void Any_payload_is_decoded_or_refused(byte[] payload)
    {
        foreach (var decode in Decoders)
            Attempt(decode, payload);
    }

    [Property(MaxTest = 500)]
    public void A_request_with_any_byte_changed_or_cut_off_is_decoded_or_refused(string id, string[] arguments, string[] environment, string directory, uint at, byte value)
    {
        var request = new AttachShell(id ?? "", 7, new TerminalSize(80, 24), 1, 2, new ProgramSpec([.. Clean(arguments), "x"], Clean(environment), directory ?? ""));
        var payload = request.Write(new LinkWriter(), 1)[LinkFrame.HeaderBytes..].ToArray();
        Attempt(bytes => AttachShell.Read(bytes), payload.AsSpan(0, (int)(at % payload.Length)));
        payload[at % payload.Length] = value;
        Attempt(bytes => AttachShell.Read(bytes), payload);
    }

    [Property]
    public void Messages_of_agents_and_ports_say_what_they_were_given(bool flag, uint number, ushort port, long offset, string[] words)
    {
        var writer = new LinkWriter();
        var agent = new AttachAgent(offset, number, number, flag ? new ProgramSpec([.. Clean(words), "x"], Clean(words), "/") : null);
        var read = AttachAgent.Read(agent.Write(writer, 1)[LinkFrame.HeaderBytes..]);
        Assert.Equal((offset, number, number, flag), (read.FromOffset, read.Credit, read.LogBytes, read.Program is not null));
        Assert.Equal(agent.Program?.Arguments ?? [], read.Program?.Arguments ?? []);
        Assert.Equal(agent.Program?.Environment ?? [], read.Program?.Environment ?? []);
        var start = offset & long.MaxValue;
        var attached = new AgentAttached(flag, number, start, long.MaxValue, start);
        Assert.Equal(attached, AgentAttached.Read(attached.Write(writer, 1)[LinkFrame.HeaderBytes..]));
        Assert.Equal(new ConnectPort(port, number), ConnectPort.Read(new ConnectPort(port, number).Write(writer, 1)[LinkFrame.HeaderBytes..]));
        Assert.Equal(new PortConnected(number), PortConnected.Read(new PortConnected(number).Write(writer, 1)[LinkFrame.HeaderBytes..]));
    }

    [Property]
    public void A_count_that_the_frame_cannot_hold_allocates_nothing(uint count)
    {
        var payload = new byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(payload, count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Attempt(bytes => ShellSummary.ReadList(bytes), payload);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 * 1024);
    }

    [Property(MaxTest = 1000)]
    public void Frames_are_taken_the_same_however_the_bytes_are_cut(byte[][] payloads, byte cut)
    {
        var stream = payloads.SelectMany((payload, index) => Frame((uint)index, payload)).ToArray();
        var taken = new List<byte[]>();
        var held = Array.Empty<byte>();
        var step = cut + 1;
        for (var at = 0; at < stream.Length; at += step)
        {
            ReadOnlySpan<byte> rest = [.. held, .. stream.AsSpan(at, Math.Min(step, stream.Length - at))];
            while (LinkFrame.TryTake(ref rest, out var frame, out var payload))
            {
                Assert.Equal((uint)taken.Count, frame.Stream);
                taken.Add(payload.ToArray());
            }

            held = rest.ToArray();
        }

        Assert.Empty(held);
        Assert.Equal(payloads, taken);
    }

    [Property(MaxTest = 1000)]
    public void A_header_is_refused_exactly_when_it_announces_too_much(uint word, uint stream)
    {
        var header = new byte[LinkFrame.HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, word);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), stream);
        var tooLong = (word & 0xFF_FFFF) > LinkFrame.MaxPayloadBytes;
        Assert.Equal(tooLong, !Attempt(bytes => LinkFrame.TryTake(ref bytes, out _, out _), header));
    }

    private static bool Attempt(Decode decode, ReadOnlySpan<byte> payload)
    {
        try
        {
            decode(payload);
            return true;
        }
        catch (LinkProtocolException)
        {
            return false;
        }
    }

    private static string[] Clean(string[] texts) => [.. texts.Select(text => text ?? "")];

    private static byte[] Frame(uint stream, byte[] payload)
    {
        var frame = new byte[LinkFrame.HeaderBytes + payload.Length];
        new LinkFrame(payload.Length, LinkFrameType.Output, stream).WriteTo(frame);
        payload.CopyTo(frame.AsSpan(LinkFrame.HeaderBytes));
        return frame;
    }
}
