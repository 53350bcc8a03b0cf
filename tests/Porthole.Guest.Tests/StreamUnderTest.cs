using System.Buffers;
using System.Globalization;
using System.Text;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>The server's end of a stream, with everything that came on it.</summary>
internal abstract class StreamUnderTest(Lane lane, uint number)
{
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly ArrayBufferWriter<byte> _errorOutput = new();
    private readonly Queue<ReceivedFrame> _events = new();

    public uint Number { get; } = number;

    public byte[] Output => _output.WrittenSpan.ToArray();

    public string Text => Encoding.UTF8.GetString(_output.WrittenSpan);

    public string ErrorText => Encoding.UTF8.GetString(_errorOutput.WrittenSpan);

    /// <summary>Bytes of output that came.</summary>
    public int OutputLength => _output.WrittenCount;

    /// <summary>Input bytes that the guest will take.</summary>
    public long InputCredit { get; protected set; }

    protected Lane Lane { get; } = lane;

    public void Grant(uint bytes) => Lane.Send(LinkSmallFrames.WriteCredit(Lane.Writer, Number, bytes));

    public void Send(LinkFrameType type) => Lane.Send(LinkSmallFrames.WriteEmpty(Lane.Writer, type, Number));

    /// <summary>Waits until a text has come.</summary>
    public void WaitFor(string text)
    {
        while (!Text.Contains(text, StringComparison.Ordinal))
            Lane.ReceiveOne($"\"{text}\"", this);
    }

    /// <summary>Waits until at least so many bytes have come.</summary>
    public void WaitForBytes(long count)
    {
        while (_output.WrittenCount < count)
            Lane.ReceiveOne($"{count} bytes", this);
    }

    public ProcessExit WaitForExit() => ProcessExit.Read(Expect(LinkFrameType.Exited).Payload);

    public StreamClosed WaitForClosed() => StreamClosed.Read(Expect(LinkFrameType.Closed).Payload);

    public LinkFailure WaitForFailure() => LinkFailure.Read(Expect(LinkFrameType.Failed).Payload);

    /// <summary>Waits for the answer to the request, and leaves it to be read.</summary>
    public LinkFrameType WaitForAnswer()
    {
        while (_events.Count == 0)
            Lane.ReceiveOne("an answer", this);
        return _events.Peek().Type;
    }

    /// <summary>Waits until the stream is closed, by an exit or otherwise.</summary>
    public LinkFrameType WaitForEnd()
    {
        while (true)
        {
            if (NextEvent("the end of the stream").Type is (LinkFrameType.Exited or LinkFrameType.Closed or LinkFrameType.Failed) and var end)
                return end;
        }
    }

    /// <summary>The process id that the program printed as "job=ID=".</summary>
    public int JobId => int.Parse(Text.Split("job=")[^1].Split('=')[0], CultureInfo.InvariantCulture);

    /// <summary>Waits until the program has printed "job=ID=".</summary>
    public void WaitForJobId()
    {
        while (Text.Count('=') < 2)
            Lane.ReceiveOne("job=", this);
    }

    /// <summary>Takes a frame that came for this stream.</summary>
    public void Take(ReceivedFrame frame)
    {
        if (frame.Type == LinkFrameType.Output)
            _output.Write(frame.Payload);
        else if (frame.Type == LinkFrameType.ErrorOutput)
            _errorOutput.Write(frame.Payload);
        else if (frame.Type == LinkFrameType.Credit)
            InputCredit += LinkSmallFrames.ReadCredit(frame.Payload);
        else
            _events.Enqueue(frame);
    }

    protected ReceivedFrame Expect(LinkFrameType type)
    {
        var frame = NextEvent(type.ToString());
        if (frame.Type != type)
            Assert.Fail($"{frame} came instead of {type}; the terminal showed: {Text}");
        return frame;
    }

    private ReceivedFrame NextEvent(string awaited)
    {
        ReceivedFrame? frame;
        while (!_events.TryDequeue(out frame))
            Lane.ReceiveOne(awaited, this);
        return frame;
    }
}

/// <summary>A stream attached to a shell.</summary>
internal sealed class ShellUnderTest(Lane lane, uint number) : StreamUnderTest(lane, number)
{
    public ShellAttached Attached { get; private set; }

    /// <summary>Offset after the last byte that came.</summary>
    public long Offset => Attached.StartOffset + OutputLength;

    public ShellUnderTest Confirm()
    {
        Attached = ShellAttached.Read(Expect(LinkFrameType.ShellAttached).Payload);
        InputCredit += Attached.InputCredit;
        return this;
    }

    public void Type(string text) => Type(Encoding.UTF8.GetBytes(text));

    public void Type(byte[] bytes)
    {
        InputCredit -= bytes.Length;
        Lane.Send(LinkSmallFrames.WriteBytes(Lane.Writer, LinkFrameType.Input, Number, bytes));
    }

    /// <summary>Types any number of bytes as the credit for them comes.</summary>
    public void Paste(byte[] bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            while (InputCredit == 0)
                Lane.ReceiveOne("input credit", this);
            var part = (int)Math.Min(Math.Min(InputCredit, 32 * 1024), bytes.Length - at);
            Type(bytes[at..(at + part)]);
            at += part;
        }
    }

    public void Resize(ushort columns, ushort rows) => Lane.Send(new TerminalSize(columns, rows).Write(Lane.Writer, Number));

    /// <summary>Runs a line and waits until it is done. The marker is computed, so that its echo does not count.</summary>
    public string Run(string line)
    {
        var marker = Guid.NewGuid().ToString("N");
        var from = Text.Length;
        Type($"{line}{(line.EndsWith('&') ? "" : ";")} echo {marker[..16]}''{marker[16..]}\n");
        WaitFor(marker);
        return Text[from..];
    }
}

/// <summary>A stream that follows the agent.</summary>
internal sealed class AgentUnderTest(Lane lane, uint number) : StreamUnderTest(lane, number)
{
    public AgentAttached Attached { get; private set; }

    /// <summary>Waits for the answer to the request, or for the word that part of the log is missing.</summary>
    public AgentUnderTest Confirm()
    {
        Attached = AgentAttached.Read(Expect(LinkFrameType.AgentAttached).Payload);
        return this;
    }
}

/// <summary>A stream that is a connection to a port.</summary>
internal sealed class PortUnderTest(Lane lane, uint number) : StreamUnderTest(lane, number)
{
    public PortUnderTest Confirm()
    {
        InputCredit += PortConnected.Read(Expect(LinkFrameType.PortConnected).Payload).InputCredit;
        return this;
    }

    /// <summary>Sends any number of bytes as the credit for them comes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            while (InputCredit == 0)
                Lane.ReceiveOne("input credit", this);
            var part = (int)Math.Min(Math.Min(InputCredit, 32 * 1024), bytes.Length);
            WriteBeyondCredit(bytes[..part]);
            bytes = bytes[part..];
        }
    }

    public void WriteBeyondCredit(ReadOnlySpan<byte> bytes)
    {
        InputCredit -= bytes.Length;
        Lane.Send(LinkSmallFrames.WriteBytes(Lane.Writer, LinkFrameType.Input, Number, bytes));
    }

    /// <summary>Waits until the other side has ended its direction.</summary>
    public void WaitForEndOfOutput() => Expect(LinkFrameType.EndOfOutput);
}

/// <summary>A stream that runs a command.</summary>
internal sealed class CommandUnderTest(Lane lane, uint number) : StreamUnderTest(lane, number)
{
    public void Signal(int signal) => Lane.Send(LinkSmallFrames.WriteSignal(Lane.Writer, Number, (byte)signal));
}
