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
    private readonly LinkWriter _writer = new();
    private readonly byte[] _buffer = new byte[LinkFrame.MaxFrameBytes];
    private int _length;

    public Lane(Socket socket)
    {
        _socket = socket;
        _socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
    }

    public LinkWriter Writer => _writer;

    public void Greet()
    {
        Send(new LinkHello(LinkHello.CurrentVersion).Write(_writer));
        Assert.Equal(LinkFrameType.Hello, Receive().Type);
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Waits for the next frame.</summary>
    public ReceivedFrame Receive() => TryReceive() ?? throw new EndOfStreamException("the guest closed the lane");

    /// <summary>Waits for the next frame, or null when the guest closed the lane.</summary>
    public ReceivedFrame? TryReceive()
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

            var count = ReceiveBytes(_buffer.AsSpan(_length));
            if (count == 0)
                return null;
            _length += count;
        }
    }

    public ShellUnderTest Attach(uint stream, string id, long from = -1, uint credit = 1 << 30, uint ring = 256 * 1024, IReadOnlyList<string>? program = null,
        bool create = true, ushort columns = 80, ushort rows = 24) =>
        new(this, stream, new AttachShell(id, from, new TerminalSize(columns, rows), credit, ring, create ? Program(program ?? ["bash", "--norc", "--noprofile"]) : null));

    public static ProgramSpec Program(IReadOnlyList<string> arguments) =>
        new(arguments, ["PATH=/usr/local/bin:/usr/bin:/bin", "TERM=xterm-256color", "HOME=/tmp", "HISTFILE=", "PS1=$ ", "LC_ALL=C.UTF-8"], "/tmp");

    public void Dispose() => _socket.Dispose();

    private int ReceiveBytes(Span<byte> buffer)
    {
        try
        {
            return _socket.Receive(buffer);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }
}

internal sealed record ReceivedFrame(LinkFrameType Type, uint Stream, byte[] Payload)
{
    public override string ToString() => $"{Type} on {Stream}: {Encoding.UTF8.GetString(Payload)}";
}
