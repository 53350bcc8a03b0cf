using System.Buffers;
using System.Text;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>A stream attached to a shell, with everything that it printed on this stream.</summary>
internal sealed class ShellUnderTest
{
    private readonly Lane _lane;
    private readonly uint _stream;
    private readonly ArrayBufferWriter<byte> _output = new();

    public ShellUnderTest(Lane lane, uint stream, AttachShell request)
    {
        (_lane, _stream) = (lane, stream);
        lane.Send(request.Write(lane.Writer, stream));
    }

    public ShellAttached Attached { get; private set; }

    /// <summary>What came on this stream.</summary>
    public byte[] Output => _output.WrittenSpan.ToArray();

    public string Text => Encoding.UTF8.GetString(_output.WrittenSpan);

    /// <summary>Offset after the last byte that came.</summary>
    public long Offset => Attached.StartOffset + _output.WrittenCount;

    public ShellUnderTest Confirm()
    {
        Attached = ShellAttached.Read(Expect(LinkFrameType.ShellAttached).Payload);
        return this;
    }

    public void Type(string text) => Type(Encoding.UTF8.GetBytes(text));

    public void Type(byte[] bytes) => _lane.Send(LinkSmallFrames.WriteBytes(_lane.Writer, LinkFrameType.Input, _stream, bytes));

    public void Send(LinkFrameType type) => _lane.Send(LinkSmallFrames.WriteEmpty(_lane.Writer, type, _stream));

    public void Grant(uint bytes) => _lane.Send(LinkSmallFrames.WriteCredit(_lane.Writer, _stream, bytes));

    public void Resize(ushort columns, ushort rows) => _lane.Send(new TerminalSize(columns, rows).Write(_lane.Writer, _stream));

    /// <summary>Waits until the shell has printed a text on this stream.</summary>
    public void WaitFor(string text)
    {
        while (!Text.Contains(text, StringComparison.Ordinal))
            TakeOne($"\"{text}\"");
    }

    /// <summary>Waits until at least so many bytes came on this stream.</summary>
    public void WaitForBytes(long count)
    {
        while (_output.WrittenCount < count)
            TakeOne($"{count} bytes");
    }

    public ProcessExit WaitForExit() => ProcessExit.Read(Expect(LinkFrameType.Exited).Payload);

    public StreamClosed WaitForClosed() => StreamClosed.Read(Expect(LinkFrameType.Closed).Payload);

    public LinkFailure WaitForFailure() => LinkFailure.Read(Expect(LinkFrameType.Failed).Payload);

    /// <summary>Runs a line and waits until it is done. The marker is computed, so that its echo does not count.</summary>
    public string Run(string line)
    {
        var marker = Guid.NewGuid().ToString("N");
        var from = Text.Length;
        Type($"{line}; echo {marker[..16]}''{marker[16..]}\n");
        WaitFor(marker);
        return Text[from..];
    }

    /// <summary>Waits for a frame of this stream, keeping output that comes before it.</summary>
    private ReceivedFrame Expect(LinkFrameType type)
    {
        while (true)
        {
            if (TakeOne(type.ToString()) is { } frame && frame.Type == type)
                return frame;
        }
    }

    private ReceivedFrame TakeOne(string awaited)
    {
        ReceivedFrame frame;
        try
        {
            frame = _lane.Receive();
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
        {
            throw new InvalidOperationException($"{error.Message} while waiting for {awaited}; the terminal showed: {Text}");
        }

        if (frame.Stream != _stream)
            return frame;
        if (frame.Type == LinkFrameType.Output)
            _output.Write(frame.Payload);
        else if (frame.Type == LinkFrameType.Failed && awaited != nameof(LinkFrameType.Failed))
            Assert.Fail($"failed: {LinkFailure.Read(frame.Payload).Message}");
        return frame;
    }
}
