using Porthole.Posix;

namespace Porthole.Server.Shells;

/// <summary>Writes to a non-blocking socket in order, keeping what it has no room for.</summary>
internal sealed unsafe class SocketWriter
{
    private PendingBytes _pending;

    /// <summary>The socket; -1 when there is none yet, and then all is kept.</summary>
    public int Fd { get; set; } = -1;

    /// <summary>Bytes given to this writer in its life.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Bytes that wait for room.</summary>
    public int PendingBytes => _pending.Count;

    /// <summary>Sends at once what fits, if nothing is waiting, and keeps the rest.</summary>
    /// <returns>False when the connection is broken.</returns>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        TotalBytes += bytes.Length;
        if (_pending.IsEmpty && Fd >= 0)
        {
            var sent = Send(bytes);
            if (sent < 0)
                return false;
            bytes = bytes[sent..];
        }

        if (!bytes.IsEmpty)
            _pending.Append(bytes);
        return true;
    }

    /// <summary>Sends as much of what waits as fits.</summary>
    /// <returns>False when the connection is broken.</returns>
    public bool Flush()
    {
        while (!_pending.IsEmpty)
        {
            var sent = Send(_pending.Span);
            if (sent <= 0)
                return sent == 0;
            _pending.Consume(sent);
        }

        return true;
    }

    /// <summary>Drops what waits.</summary>
    public void Clear() => _pending.Clear();

    private int Send(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            nint sent;
            fixed (byte* buffer = bytes)
                sent = Libc.Send(Fd, buffer, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
            if (sent >= 0)
                return (int)sent;
            switch (Errno.Last)
            {
                case Errno.EINTR: continue;
                case Errno.EAGAIN: return 0;
                default: return -1;
            }
        }
    }
}
