using System.Buffers.Binary;

namespace Porthole.Protocol.WebSockets;

/// <summary>
/// Follows the frames of one direction of a WebSocket (RFC 6455 section 5) whose bytes go on unchanged: counts them, keeps them within a size,
/// and knows where one ends, which is where somebody else may put in a frame of his own. Masked or not is all the same to it.
/// </summary>
/// <param name="maxPayloadBytes">Longest payload of a frame; refused on the header that announces more.</param>
public sealed class WebSocketFrameFollower(int maxPayloadBytes)
{
    private const int MaxHeaderBytes = 14;
    private const byte MaskBit = 0x80, LengthBits = 0x7F, OpcodeBits = 0x0F;

    private readonly byte[] _header = new byte[MaxHeaderBytes];
    private int _headerCount;
    private long _remaining;

    /// <summary>Whether no frame is under way.</summary>
    public bool IsBetweenFrames => _headerCount == 0 && _remaining == 0;

    /// <summary>Frames of messages that have begun so far; pings, pongs and closes are not counted.</summary>
    public long MessageFrames { get; private set; }

    /// <summary>Whether a close frame has begun: nothing may follow it.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Follows the next bytes.</summary>
    /// <returns>How many of them lie before the last place between two frames: behind that, a frame is not whole.</returns>
    /// <exception cref="WebSocketProtocolException">A frame is too long, or its length is no length.</exception>
    public int Follow(ReadOnlySpan<byte> bytes)
    {
        var whole = 0;
        for (var at = 0; at < bytes.Length;)
        {
            if (_remaining > 0)
            {
                var taken = (int)Math.Min(_remaining, bytes.Length - at);
                _remaining -= taken;
                at += taken;
            }
            else
            {
                _header[_headerCount++] = bytes[at++];
                if (_headerCount == HeaderBytes())
                    Begin();
            }

            if (IsBetweenFrames)
                whole = at;
        }

        return whole;
    }

    private int HeaderBytes() => _headerCount < 2
        ? 2
        : 2 + ((_header[1] & LengthBits) switch { 126 => 2, 127 => 8, _ => 0 }) + ((_header[1] & MaskBit) == 0 ? 0 : sizeof(uint));

    private void Begin()
    {
        var length = (_header[1] & LengthBits) switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
            127 => BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2)),
            var small => (ulong)small,
        };
        if (length > (ulong)maxPayloadBytes)
            throw new WebSocketProtocolException(WebSocketProtocolException.TooBig, $"a frame longer than {maxPayloadBytes} bytes");
        var opcode = (WebSocketOpcode)(_header[0] & OpcodeBits);
        IsClosed |= opcode == WebSocketOpcode.Close;
        MessageFrames += opcode < WebSocketOpcode.Close ? 1 : 0;
        _headerCount = 0;
        _remaining = (long)length;
    }
}
