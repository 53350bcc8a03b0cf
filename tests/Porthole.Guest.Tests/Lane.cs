using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>The server's end of a lane, blocking, with a bound on every wait.</summary>
internal sealed class Lane : IDisposable
{
    /// <summary>Longest wait for anything: far above what a busy machine needs.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[LinkFrame.MaxFrameBytes];
    private readonly Dictionary<uint, StreamUnderTest> _streams = [];
    private readonly Queue<ReceivedFrame> _own = new();
    private int _length;

    public Lane(Socket socket)
    {
        _socket = socket;
        _socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        _socket.SendTimeout = (int)Patience.TotalMilliseconds;
    }

    public LinkWriter Writer { get; } = new();

    public static ProgramSpec Program(IReadOnlyList<string> arguments) =>
        new(arguments, ["PATH=/usr/local/bin:/usr/bin:/bin", "TERM=xterm-256color", "HOME=/tmp", "HISTFILE=", "PS1=$ ", "LC_ALL=C.UTF-8"], "/tmp");

    public Lane Greet()
    {
        Send(new LinkHello(LinkHello.CurrentVersion).Write(Writer));
        Assert.Equal(LinkHello.CurrentVersion, LinkHello.Read(ReceiveOwn(LinkFrameType.Hello).Payload).Version);
        return this;
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Asks for a shell; bash unless another program is named.</summary>
    public ShellUnderTest Attach(uint stream, string id, long from = -1, uint credit = 1 << 30, uint ring = 256 * 1024, ProgramSpec? program = null,
        bool create = true, ushort columns = 80, ushort rows = 24)
    {
        var wanted = create ? program ?? Program(["bash", "--norc", "--noprofile"]) : null;
        Send(new AttachShell(id, from, new TerminalSize(columns, rows), credit, ring, wanted).Write(Writer, stream));
        return Keep(new ShellUnderTest(this, stream));
    }

    /// <summary>Asks for a command.</summary>
    public CommandUnderTest Run(uint stream, IReadOnlyList<string> arguments, uint credit = 1 << 30)
    {
        Send(new StartCommand(credit, Program(arguments)).Write(Writer, stream));
        return Keep(new CommandUnderTest(this, stream));
    }

    /// <summary>Asks for the agent, started when arguments are given and none runs.</summary>
    public AgentUnderTest FollowAgent(uint stream, IReadOnlyList<string>? arguments, long from = 0, uint credit = 1 << 30, uint logBytes = 64 * 1024)
    {
        Send(new AttachAgent(from, credit, logBytes, arguments is null ? null : Program(arguments)).Write(Writer, stream));
        return Keep(new AgentUnderTest(this, stream));
    }

    /// <summary>Asks for a connection to a port.</summary>
    public PortUnderTest Connect(uint stream, int port, uint credit = 1 << 30)
    {
        Send(new ConnectPort((ushort)port, credit).Write(Writer, stream));
        return Keep(new PortUnderTest(this, stream));
    }

    /// <summary>Sends a ping and waits for its answer: whatever the guest sent before has come then.</summary>
    public void Ping()
    {
        var payload = Guid.NewGuid().ToByteArray();
        Send(LinkSmallFrames.WriteBytes(Writer, LinkFrameType.Ping, 0, payload));
        while (!ReceiveOwn(LinkFrameType.Pong).Payload.AsSpan().SequenceEqual(payload))
        {
        }
    }

    /// <summary>Asks for the list of shells until it is as wanted.</summary>
    public IReadOnlyList<ShellSummary> WaitForShells(Func<IReadOnlyList<ShellSummary>, bool> wanted)
    {
        var time = Stopwatch.StartNew();
        while (true)
        {
            Send(LinkSmallFrames.WriteEmpty(Writer, LinkFrameType.ListShells, 0));
            var shells = ShellSummary.ReadList(ReceiveOwn(LinkFrameType.ShellList).Payload);
            if (wanted(shells))
                return shells;
            Assert.True(time.Elapsed < Patience, "the shells are " + string.Join(", ", shells));
            Thread.Sleep(10);
        }
    }

    /// <summary>Waits for one frame and gives it to the stream that it belongs to.</summary>
    public void ReceiveOne(string awaited, StreamUnderTest? stream = null)
    {
        var frame = TryReceive(awaited, stream) ?? throw new EndOfStreamException($"the guest closed the lane; awaited was {awaited}");
        if (frame.Stream == 0)
            _own.Enqueue(frame);
        else
            _streams.GetValueOrDefault(frame.Stream)?.Take(frame);
    }

    /// <summary>Waits until the guest closes the lane, whatever it sends before.</summary>
    public void WaitForClose()
    {
        while (TryReceive("the end of the lane", null) is not null)
        {
        }
    }

    public void Dispose() => _socket.Dispose();

    private ReceivedFrame ReceiveOwn(LinkFrameType type)
    {
        ReceivedFrame? frame;
        while (!_own.TryDequeue(out frame) || frame.Type != type)
        {
            if (frame is null)
                ReceiveOne(type.ToString());
        }

        return frame;
    }

    private T Keep<T>(T stream) where T : StreamUnderTest
    {
        _streams[stream.Number] = stream;
        return stream;
    }

    private ReceivedFrame? TryReceive(string awaited, StreamUnderTest? stream)
    {
        while (true)
        {
            var rest = new ReadOnlySpan<byte>(_buffer, 0, _length);
            if (LinkFrame.TryTake(ref rest, out var frame, out var payload))
            {
                var received = new ReceivedFrame(frame.Type, frame.Stream, payload.ToArray());
                rest.CopyTo(_buffer);
                _length = rest.Length;
                return received;
            }

            try
            {
                var count = _socket.Receive(_buffer.AsSpan(_length));
                if (count == 0)
                    return null;
                _length += count;
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionReset)
            {
                return null;
            }
            catch (SocketException error)
            {
                throw new TimeoutException($"{error.Message} while waiting for {awaited}; the terminal showed: {stream?.Text}");
            }
        }
    }
}

internal sealed record ReceivedFrame(LinkFrameType Type, uint Stream, byte[] Payload)
{
    public override string ToString() => $"{Type} on {Stream}: {Encoding.UTF8.GetString(Payload)}";
}
