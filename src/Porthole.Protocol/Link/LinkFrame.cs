using System.Buffers.Binary;

namespace Porthole.Protocol.Link;

/// <summary>
/// The eight bytes before every frame of a guest link, little endian: payload length (3 bytes), <see cref="LinkFrameType"/> (1 byte),
/// stream number (4 bytes).
/// </summary>
/// <param name="Length">Bytes of payload that follow, 0 to <see cref="MaxPayloadBytes"/>.</param>
/// <param name="Type">What the frame means.</param>
/// <param name="Stream">The stream it belongs to; 0 is the lane itself.</param>
public readonly record struct LinkFrame(int Length, LinkFrameType Type, uint Stream)
{
    /// <summary>Size of the header.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Longest payload: the longest command (64 KB, contract section 6) and as much again for its environment.</summary>
    public const int MaxPayloadBytes = 128 * 1024;

    /// <summary>Longest frame, header and all: a receive buffer of this size always makes progress.</summary>
    public const int MaxFrameBytes = HeaderBytes + MaxPayloadBytes;

    /// <summary>Whether the frame opens the stream that it names; all frames of a stream follow one that does.</summary>
    public bool OpensStream => Type is LinkFrameType.AttachShell or LinkFrameType.StartCommand or LinkFrameType.AttachAgent or LinkFrameType.ConnectPort;

    /// <summary>Writes the header.</summary>
    /// <param name="destination">At least <see cref="HeaderBytes"/>.</param>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, (uint)Length | ((uint)Type << 24));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], Stream);
    }

    /// <summary>Reads the header alone, for receivers that handle a payload while it arrives.</summary>
    /// <param name="header">At least <see cref="HeaderBytes"/>.</param>
    /// <exception cref="LinkProtocolException">The frame says that it is longer than <see cref="MaxPayloadBytes"/>.</exception>
    public static LinkFrame ReadHeader(ReadOnlySpan<byte> header)
    {
        var word = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var length = (int)(word & 0xFF_FFFF);
        if (length > MaxPayloadBytes)
            throw new LinkProtocolException($"a frame of {length} bytes, more than {MaxPayloadBytes}");
        return new LinkFrame(length, (LinkFrameType)(word >> 24), BinaryPrimitives.ReadUInt32LittleEndian(header[4..]));
    }

    /// <summary>Takes the next whole frame off the front of <paramref name="received"/>.</summary>
    /// <returns>False when more bytes are needed; nothing is taken then.</returns>
    /// <exception cref="LinkProtocolException">The frame says that it is longer than <see cref="MaxPayloadBytes"/>: raised on the header alone, before anything is buffered for it.</exception>
    public static bool TryTake(ref ReadOnlySpan<byte> received, out LinkFrame frame, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        frame = default;
        if (received.Length < HeaderBytes)
            return false;
        frame = ReadHeader(received);
        if (received.Length < HeaderBytes + frame.Length)
            return false;
        payload = received.Slice(HeaderBytes, frame.Length);
        received = received[(HeaderBytes + frame.Length)..];
        return true;
    }
}
