using System.Buffers.Binary;

namespace Porthole.Protocol.WebSockets;

/// <summary>Writes the frames that a server sends: final and without a mask (RFC 6455 section 5.1).</summary>
public static class WebSocketFrame
{
    /// <summary>Longest header that <see cref="WriteHeader"/> writes for payloads up to 65,535 bytes.</summary>
    public const int MaxShortHeaderBytes = 4;

    /// <summary>Bytes that the header of such a payload takes.</summary>
    public static int HeaderBytes(int payloadBytes) => payloadBytes < 126 ? 2 : payloadBytes <= ushort.MaxValue ? 4 : 10;

    /// <summary>Writes the header.</summary>
    /// <returns>Its length, see <see cref="HeaderBytes"/>.</returns>
    public static int WriteHeader(Span<byte> destination, WebSocketOpcode opcode, int payloadBytes)
    {
        destination[0] = (byte)(0x80 | (byte)opcode);
        var length = HeaderBytes(payloadBytes);
        switch (length)
        {
            case 2:
                destination[1] = (byte)payloadBytes;
                break;
            case 4:
                destination[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)payloadBytes);
                break;
            default:
                destination[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(destination[2..], (ulong)payloadBytes);
                break;
        }

        return length;
    }

    /// <summary>A whole close frame.</summary>
    /// <param name="code">Close code, never 1005 or 1006: those mean "none" and "dropped" (RFC 6455 section 7.4.1).</param>
    /// <param name="reason">For people; cut so that the frame stays within 125 bytes.</param>
    public static byte[] Close(int code, string reason)
    {
        const int maxReasonBytes = 123;
        Span<byte> text = stackalloc byte[maxReasonBytes];
        System.Text.Unicode.Utf8.FromUtf16(reason, text, out _, out var written);
        var frame = new byte[2 + 2 + written];
        WriteHeader(frame, WebSocketOpcode.Close, 2 + written);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)code);
        text[..written].CopyTo(frame.AsSpan(4));
        return frame;
    }
}
