using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>A lane over a connected socket of its own.</summary>
internal sealed unsafe class SocketChannel : LaneChannel
{
    private readonly Descriptor _socket;

    public SocketChannel(Descriptor socket)
    {
        socket.SetNonBlocking();
        _socket = socket;
    }

    /// <inheritdoc/>
    public override int Number => _socket.Number;

    /// <inheritdoc/>
    public override nint Read(byte* buffer, nuint count, out bool mayHaveMore)
    {
        while (true)
        {
            var read = Libc.Read(_socket.Number, buffer, count);
            mayHaveMore = read == (nint)count;
            if (read > 0)
                return read;
            if (read == 0 || Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
                return -1;
            if (Errno.Last == Errno.EAGAIN)
                return 0;
        }
    }

    /// <inheritdoc/>
    public override nint Write(Libc.IoVec* vectors, int count)
    {
        while (true)
        {
            var written = Libc.WriteV(_socket.Number, vectors, count);
            if (written >= 0)
                return written;

            // EPIPE, ECONNRESET: the peer is gone.
            if (Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
                return -1;
            if (Errno.Last == Errno.EAGAIN)
                return 0;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _socket.Dispose();
}
