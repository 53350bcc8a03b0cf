using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>
/// Writes whole frames to a lane in the order they were given. What the lane does not take at once waits here; while something waits,
/// nobody may send data frames, so at most the rest of one data frame and small frames do.
/// </summary>
internal sealed unsafe class LaneSender(LaneChannel lane)
{
    // Small frames only pile up when the server asks without reading the answers. Then the lane is of no use to it.
    private const int MaxWaitingBytes = 1024 * 1024;

    private readonly ByteQueue _waiting = new();
    private readonly LanePace _pace = new();

    /// <summary>Whether the lane took less than it was given: wait until it is writable, then <see cref="Flush"/>.</summary>
    public bool IsBlocked => _waiting.Count > 0;

    /// <summary>Whether the lane takes no more bytes for good; close it. Frames are dropped from then on.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Sends a small frame, or queues it.</summary>
    public void Send(ReadOnlySpan<byte> frame)
    {
        fixed (byte* start = frame)
        {
            var whole = new Libc.IoVec { Base = start, Length = (nuint)frame.Length };
            Write(&whole, 1);
        }
    }

    /// <summary>Sends a frame of bytes that lie in up to two places, without copying them unless the lane is full.</summary>
    public void SendData(LinkFrameType type, uint stream, Libc.IoVec* payload, int parts)
    {
        var vectors = stackalloc Libc.IoVec[3];
        var length = 0;
        for (var i = 0; i < parts; i++)
        {
            vectors[i + 1] = payload[i];
            length += (int)payload[i].Length;
        }

        var header = stackalloc byte[LinkFrame.HeaderBytes];
        new LinkFrame(length, type, stream).WriteTo(new Span<byte>(header, LinkFrame.HeaderBytes));
        vectors[0] = new Libc.IoVec { Base = header, Length = LinkFrame.HeaderBytes };
        Write(vectors, parts + 1);
        _pace.Sent(length);
    }

    /// <summary>Sends what waits, as much as the lane takes.</summary>
    public void Flush()
    {
        if (_waiting.Count == 0)
            return;
        fixed (byte* start = _waiting.Waiting)
        {
            var rest = new Libc.IoVec { Base = start, Length = (nuint)_waiting.Count };
            _waiting.Take((int)WriteOnce(&rest, 1));
        }
    }

    private void Write(Libc.IoVec* vectors, int count)
    {
        var written = IsBlocked || IsBroken ? 0 : WriteOnce(vectors, count);
        for (var i = 0; i < count && !IsBroken; i++)
        {
            var skip = Math.Min(written, (nint)vectors[i].Length);
            written -= skip;
            if (skip < (nint)vectors[i].Length)
                _waiting.Append(new ReadOnlySpan<byte>((byte*)vectors[i].Base + skip, (int)((nint)vectors[i].Length - skip)));
        }

        if (_waiting.Count > MaxWaitingBytes)
            Break();
    }

    private nint WriteOnce(Libc.IoVec* vectors, int count)
    {
        var written = lane.Write(vectors, count);
        if (written >= 0)
            return written;
        Break();
        return 0;
    }

    private void Break()
    {
        IsBroken = true;
        _waiting.Clear();
    }
}
