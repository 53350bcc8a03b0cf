using Porthole.Posix;

namespace Porthole.Server.Shells;

/// <summary>Writes to a non-blocking socket in order, keeping what it has no room for.</summary>
internal sealed unsafe class SocketWriter
{
    private const int Flags = Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL;

    private PendingBytes _pending;

    /// <summary>The socket; -1 when there is none yet, and then all is kept.</summary>
    public int Fd { get; set; } = -1;

    /// <summary>Where the kernel is to note how much of each send it took; null when nobody asks. See <see cref="ShellCursor.Receipt"/>.</summary>
    public Libc.MMsgHdr* Receipt { get; set; }

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

    /// <summary>Sends once from what waits.</summary>
    /// <param name="atMost">Bytes to send at most.</param>
    /// <returns>Bytes sent; 0 when there is no room, -1 when the connection is broken.</returns>
    public int FlushOnce(int atMost)
    {
        var sent = Send(_pending.Span[..Math.Min(atMost, _pending.Count)]);
        if (sent > 0)
            _pending.Consume(sent);
        return sent;
    }

    /// <summary>Drops what waits.</summary>
    public void Clear() => _pending.Clear();

    private int Send(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            nint sent;
            fixed (byte* buffer = bytes)
                sent = Receipt is null ? Libc.Send(Fd, buffer, (nuint)bytes.Length, Flags) : SendForReceipt(buffer, bytes.Length);
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

    private nint SendForReceipt(byte* bytes, int count)
    {
        var whole = new Libc.IoVec { Base = bytes, Length = (nuint)count };
        Receipt->Message = new Libc.MsgHdr { Vectors = &whole, VectorCount = 1 };
        return Libc.SendMMsg(Fd, Receipt, 1, Flags) < 0 ? -1 : (nint)Receipt->Sent;
    }
}
