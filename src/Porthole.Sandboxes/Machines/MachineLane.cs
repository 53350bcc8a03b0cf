using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes.Machines;

/// <summary>One lane to a machine: the near end of a pair of sockets, whose far end the server has.</summary>
internal sealed unsafe class MachineLane : IPollable
{
    // Several times the credit that the server gives on a lane: a guest that sends more than it was allowed to.
    private const int MostUnsent = 4 << 20;

    private readonly MachineLink _link;
    private readonly EventLoop _loop;
    private readonly Descriptor _socket;
    private readonly ByteQueue _unsent = new();
    private byte[] _partial = [];
    private bool _isPaused;
    private bool _isClosed;

    /// <summary>Takes the near end; on the link's loop, as everything here.</summary>
    public MachineLane(MachineLink link, EventLoop loop, Descriptor socket)
    {
        (_link, _loop, _socket) = (link, loop, socket);
        loop.Add(socket.Number, PollEvents.Readable, this);
    }

    /// <summary>The open streams of this lane, and their numbers on the port.</summary>
    public Dictionary<uint, uint> Streams { get; } = [];

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        if ((ready & PollEvents.Writable) != 0)
            Flush();
        if (!_isClosed && (ready & ~PollEvents.Writable) != 0)
            Receive();
    }

    /// <summary>Gives bytes to the server. What it does not take at once waits here, within bounds.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_isClosed)
            return;
        var sent = 0;
        if (_unsent.Count == 0)
        {
            fixed (byte* start = bytes)
                sent = (int)Math.Max(0, Libc.Send(_socket.Number, start, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL));
        }

        if (sent == bytes.Length)
            return;
        _unsent.Append(bytes[sent..]);
        if (_unsent.Count > MostUnsent)
            Close();
        else
            Watch();
    }

    /// <summary>Reads again, if it was not because the port was full.</summary>
    public void Resume()
    {
        if (!_isPaused || _isClosed)
            return;
        _isPaused = false;
        _loop.Add(_socket.Number, PollEvents.Readable, this);
        Watch();
    }

    /// <summary>Closes this end; the server sees its lane end.</summary>
    public void Close()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        if (!_isPaused)
            _loop.Remove(_socket.Number);
        _socket.Dispose();
        _link.LaneClosed(this);
    }

    private void Watch()
    {
        if (!_isPaused)
            _loop.Modify(_socket.Number, _unsent.Count > 0 ? PollEvents.Readable | PollEvents.Writable : PollEvents.Readable);
    }

    private void Flush()
    {
        fixed (byte* start = _unsent.Waiting)
            _unsent.Take((int)Math.Max(0, Libc.Send(_socket.Number, start, (nuint)_unsent.Count, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL)));
        Watch();
    }

    private void Receive()
    {
        if (_link.IsBlocked)
        {
            // Out of the loop altogether: epoll tells about a hang-up whether wanted or not.
            _isPaused = true;
            _loop.Remove(_socket.Number);
            return;
        }

        // All lanes read into the link's own buffer: an idle lane holds none.
        var buffer = _link.LaneBuffer;
        _partial.CopyTo(buffer, 0);
        var length = _partial.Length;
        fixed (byte* start = buffer)
        {
            var count = Libc.Recv(_socket.Number, start + length, (nuint)(buffer.Length - length), Libc.MSG_DONTWAIT);
            if (count < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR)
                return;
            if (count <= 0)
            {
                Close();
                return;
            }

            length += (int)count;
        }

        try
        {
            var taken = TakeFrames(buffer.AsSpan(0, length));
            _partial = taken == length ? [] : buffer[taken..length];
        }
        catch (LinkProtocolException)
        {
            // Only the server's own mistake could be the cause; it sees its lane end.
            Close();
        }
    }

    private int TakeFrames(Span<byte> received)
    {
        var start = 0;
        while (!_isClosed && received.Length - start >= LinkFrame.HeaderBytes)
        {
            var frame = LinkFrame.ReadHeader(received[start..]);
            var length = LinkFrame.HeaderBytes + frame.Length;
            if (received.Length - start < length)
                break;
            _link.TakeFromLane(this, frame, received.Slice(start, length));
            start += length;
        }

        return start;
    }
}
