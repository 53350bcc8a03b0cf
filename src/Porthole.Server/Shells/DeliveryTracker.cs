using Porthole.Posix;

namespace Porthole.Server.Shells;

/// <summary>
/// Knows which shell output the client's kernel has acknowledged. A frame handed to the kernel may still be lost with the network;
/// SIOCOUTQ (tcp(7)) says how much of the stream was, and this maps it back to shell offsets, whole frames only:
/// a client never sees half a message.
/// </summary>
internal sealed unsafe class DeliveryTracker
{
    // Asking the kernel costs a call; with this many frames noted it is worth one to forget those that arrived.
    private const int AskAtFrames = 64;

    private (long StreamEnd, long ShellOffset)[] _frames = new (long, long)[16];
    private int _first;
    private int _count;

    /// <summary>Offset after the last output byte that the client's kernel is known to have.</summary>
    public long AcknowledgedOffset { get; private set; }

    public void Reset(long offset) => (_first, _count, AcknowledgedOffset) = (0, 0, offset);

    /// <summary>Notes a frame of output.</summary>
    /// <param name="client">The client's writer, after the frame was written to it.</param>
    /// <param name="shellOffset">Shell offset after the frame's last byte.</param>
    public void Sent(SocketWriter client, long shellOffset)
    {
        if (_count >= AskAtFrames)
            Refresh(client);
        if (_count == _frames.Length)
            Grow();
        _frames[(_first + _count++) & (_frames.Length - 1)] = (client.TotalBytes, shellOffset);
    }

    /// <summary>Asks the kernel what has arrived.</summary>
    public void Refresh(SocketWriter client)
    {
        int unacknowledged;
        if (Libc.Ioctl(client.Fd, Libc.SIOCOUTQ, &unacknowledged) < 0)
            return;
        var arrived = client.TotalBytes - client.PendingBytes - unacknowledged;
        while (_count > 0 && _frames[_first].StreamEnd <= arrived)
        {
            AcknowledgedOffset = _frames[_first].ShellOffset;
            _first = (_first + 1) & (_frames.Length - 1);
            _count--;
        }
    }

    /// <summary>Finds the next frame of output whose end still waits in the writer.</summary>
    /// <param name="client">The client's writer.</param>
    /// <param name="bytes">Bytes that wait up to its end.</param>
    /// <param name="shellOffset">Shell offset after its last byte.</param>
    /// <returns>False when only other frames wait.</returns>
    public bool TryNextWaiting(SocketWriter client, out int bytes, out long shellOffset)
    {
        var handedOver = client.TotalBytes - client.PendingBytes;
        (bytes, shellOffset) = (0, 0);
        for (var i = _count - 1; i >= 0; i--)
        {
            var (streamEnd, offset) = _frames[(_first + i) & (_frames.Length - 1)];
            if (streamEnd <= handedOver)
                break;
            (bytes, shellOffset) = ((int)(streamEnd - handedOver), offset);
        }

        return bytes > 0;
    }

    private void Grow()
    {
        var larger = new (long, long)[_frames.Length * 2];
        for (var i = 0; i < _count; i++)
            larger[i] = _frames[(_first + i) & (_frames.Length - 1)];
        (_frames, _first) = (larger, 0);
    }
}
