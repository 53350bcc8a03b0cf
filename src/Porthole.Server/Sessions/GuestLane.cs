using System.Buffers;
using System.Net.Sockets;
using Porthole.Protocol.Link;

namespace Porthole.Server.Sessions;

/// <summary>A lane of the guest link for requests that are not terminals: plain asynchronous reads and writes, one frame at a time.</summary>
internal sealed class GuestLane : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(LinkFrame.MaxFrameBytes);
    private int _start;
    private int _end;
    private ushort _version;
    private bool _disposed;

    private GuestLane(Socket socket) => _socket = socket;

    /// <summary>Connects and exchanges greetings.</summary>
    /// <exception cref="IOException">The sandbox has ended.</exception>
    /// <exception cref="LinkProtocolException">Something else answers.</exception>
    public static async Task<GuestLane> OpenAsync(Session session, CancellationToken cancellationToken)
    {
        var descriptor = await session.OpenLaneAsync(cancellationToken);
        var lane = new GuestLane(new Socket(new SafeSocketHandle(descriptor.Number, ownsHandle: true)));
        descriptor.SetHandleAsInvalid();
        try
        {
            await lane.SendAsync(new LinkHello(LinkHello.CurrentVersion).Write(new LinkWriter()).ToArray(), cancellationToken);
            var (frame, payload) = await lane.ReceiveAsync(cancellationToken);
            if (frame.Type != LinkFrameType.Hello)
                throw new LinkProtocolException("the first frame is no greeting");
            lane._version = Math.Min(LinkHello.Read(payload.Span).Version, LinkHello.CurrentVersion);
            return lane;
        }
        catch
        {
            await lane.DisposeAsync();
            throw;
        }
    }

    /// <summary>Checks that the guest answers requests of a version. A session keeps the guest that it was started with, however old.</summary>
    /// <exception cref="IOException">It does not.</exception>
    public void Demand(ushort version)
    {
        if (_version < version)
            throw new IOException("the session was started by an older version of this server, which had no agents: stop it, and its next use makes a new one");
    }

    /// <summary>Sends a whole frame.</summary>
    /// <exception cref="IOException">The guest has closed the lane.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        try
        {
            while (!frame.IsEmpty)
                frame = frame[await _socket.SendAsync(frame, SocketFlags.None, cancellationToken)..];
        }
        catch (SocketException closed)
        {
            throw new IOException("the session has ended", closed);
        }
    }

    /// <summary>The next frame; its payload is valid until the next call.</summary>
    /// <exception cref="IOException">The guest has closed the lane.</exception>
    /// <exception cref="LinkProtocolException">The guest broke the protocol.</exception>
    public async ValueTask<(LinkFrame Frame, ReadOnlyMemory<byte> Payload)> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_end - _start >= LinkFrame.HeaderBytes)
            {
                var frame = LinkFrame.ReadHeader(_buffer.AsSpan(_start));
                var frameEnd = _start + LinkFrame.HeaderBytes + frame.Length;
                if (frameEnd <= _end)
                {
                    var payload = _buffer.AsMemory(_start + LinkFrame.HeaderBytes, frame.Length);
                    _start = frameEnd;
                    return (frame, payload);
                }
            }

            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            _end += await ReceiveSomeAsync(cancellationToken);
        }
    }

    private async ValueTask<int> ReceiveSomeAsync(CancellationToken cancellationToken)
    {
        try
        {
            var received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, cancellationToken);
            return received > 0 ? received : throw new IOException("the session has ended");
        }
        catch (SocketException closed)
        {
            throw new IOException("the session has ended", closed);
        }
    }

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return ValueTask.CompletedTask;
        _socket.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        return ValueTask.CompletedTask;
    }
}
