using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Porthole.Protocol.WebSockets;

/// <summary>
/// Decodes what a client sends on a WebSocket (RFC 6455 section 5) while it arrives: message bytes are unmasked in place and
/// handed out at once, so a long message needs no buffer here and a whole decoder is about 200 bytes.
/// </summary>
/// <param name="maxMessageBytes">Longest message, all fragments together; refused on the header that announces more.</param>
public sealed class WebSocketServerDecoder(int maxMessageBytes)
{
    private const int MaxControlBytes = 125;
    private const int MaxHeaderBytes = 14;

    private readonly byte[] _header = new byte[MaxHeaderBytes];
    private int _headerCount;
    private byte[]? _control;
    private int _controlCount;
    private bool _inPayload;
    private bool _final;
    private WebSocketOpcode _opcode;
    private long _remaining;
    private uint _mask;
    private bool _messageOpen;
    private bool _messageStarted;
    private long _messageBytes;

    /// <summary>Whether the current message is text.</summary>
    public bool IsText { get; private set; }

    /// <summary>Whether the part handed out last begins a message.</summary>
    public bool IsFirst { get; private set; }

    /// <summary>Whether the part handed out last ends a message.</summary>
    public bool IsLast { get; private set; }

    /// <summary>Takes the next part off the front of <paramref name="received"/>; call until <see cref="WebSocketPart.NeedMore"/>.</summary>
    /// <param name="received">Bytes off the socket; unmasked in place as they are handed out.</param>
    /// <param name="data">The part's bytes: inside <paramref name="received"/> for messages, inside the decoder (until the next call) for control frames.</param>
    /// <exception cref="WebSocketProtocolException">The client broke the protocol or the size limit.</exception>
    public WebSocketPart Next(ref Span<byte> received, out Span<byte> data)
    {
        while (true)
        {
            data = default;
            if (!_inPayload && !TakeHeader(ref received))
                return WebSocketPart.NeedMore;
            if (_opcode >= WebSocketOpcode.Close)
            {
                if (!TakeControl(ref received))
                    return WebSocketPart.NeedMore;
                data = _control.AsSpan(0, _controlCount);
                return _opcode switch
                {
                    WebSocketOpcode.Ping => WebSocketPart.Ping,
                    WebSocketOpcode.Pong => WebSocketPart.Pong,
                    _ => WebSocketPart.Close,
                };
            }

            var taken = (int)Math.Min(_remaining, received.Length);
            if (taken == 0 && _remaining > 0)
                return WebSocketPart.NeedMore;
            data = Unmask(ref received, taken);
            _inPayload = _remaining > 0;

            // An empty fragment in the middle of a message says nothing.
            if (taken == 0 && !(_final && !_inPayload))
                continue;
            IsFirst = !_messageStarted;
            IsLast = _final && !_inPayload;
            _messageStarted = true;
            if (IsLast)
                _messageOpen = _messageStarted = false;
            return WebSocketPart.Message;
        }
    }

    /// <summary>The code in a close frame's payload: 1005 when it has none.</summary>
    /// <exception cref="WebSocketProtocolException">The payload is one byte, or the code may not be sent (RFC 6455 section 7.4).</exception>
    public static int ReadCloseCode(ReadOnlySpan<byte> payload)
    {
        const int noCode = 1005;
        if (payload.IsEmpty)
            return noCode;
        var code = payload.Length < 2 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(payload);
        return code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999)
            ? code
            : throw Broken("a close frame with an unusable code");
    }

    private static WebSocketProtocolException Broken(string what) => new(WebSocketProtocolException.ProtocolError, what);

    private bool TakeHeader(ref Span<byte> received)
    {
        while (true)
        {
            var needed = HeaderBytesNeeded();
            if (_headerCount >= needed)
                break;
            var taken = Math.Min(needed - _headerCount, received.Length);
            if (taken == 0)
                return false;
            received[..taken].CopyTo(_header.AsSpan(_headerCount));
            received = received[taken..];
            _headerCount += taken;
        }

        ReadHeader();
        _headerCount = 0;
        _inPayload = true;
        return true;
    }

    private int HeaderBytesNeeded()
    {
        if (_headerCount < 2)
            return 2;
        if ((_header[1] & 0x80) == 0)
            throw Broken("a frame without a mask");
        return 2 + sizeof(uint) + (_header[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 };
    }

    private void ReadHeader()
    {
        if ((_header[0] & 0x70) != 0)
            throw Broken("reserved bits are set, but no extension was agreed");
        _final = (_header[0] & 0x80) != 0;
        _opcode = (WebSocketOpcode)(_header[0] & 0x0F);
        var (length, maskAt) = (_header[1] & 0x7F) switch
        {
            126 => (BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)), 4),
            127 => (BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2)), 10),
            var small => ((ulong)small, 2),
        };
        _mask = MemoryMarshal.Read<uint>(_header.AsSpan(maskAt));
        switch (_opcode)
        {
            case WebSocketOpcode.Text or WebSocketOpcode.Binary:
                if (_messageOpen)
                    throw Broken("a new message inside a fragmented one");
                IsText = _opcode == WebSocketOpcode.Text;
                _messageOpen = true;
                _messageBytes = 0;
                break;
            case WebSocketOpcode.Continuation:
                if (!_messageOpen)
                    throw Broken("a continuation without a message");
                break;
            case WebSocketOpcode.Close or WebSocketOpcode.Ping or WebSocketOpcode.Pong:
                if (!_final || length > MaxControlBytes)
                    throw Broken("a control frame that is fragmented or longer than 125 bytes");
                _control ??= new byte[MaxControlBytes];
                _controlCount = 0;
                _remaining = (long)length;
                return;
            default:
                throw Broken("a frame of an unknown type");
        }

        if (length > (ulong)(maxMessageBytes - _messageBytes))
            throw new WebSocketProtocolException(WebSocketProtocolException.TooBig, $"a message longer than {maxMessageBytes} bytes");
        _messageBytes += (long)length;
        _remaining = (long)length;
    }

    private bool TakeControl(ref Span<byte> received)
    {
        var part = Unmask(ref received, (int)Math.Min(_remaining, received.Length));
        part.CopyTo(_control.AsSpan(_controlCount));
        _controlCount += part.Length;
        _inPayload = _remaining > 0;
        return !_inPayload;
    }

    private Span<byte> Unmask(ref Span<byte> received, int count)
    {
        var part = received[..count];
        received = received[count..];
        _remaining -= count;

        // The key as it lies in memory, repeated: eight bytes at a time, then the rest; it turns with the bytes that were taken.
        var wide = _mask | ((ulong)_mask << 32);
        foreach (ref var word in MemoryMarshal.Cast<byte, ulong>(part))
            word ^= wide;
        var key = _mask;
        for (var i = count & ~7; i < count; i++)
        {
            part[i] ^= (byte)key;
            key = uint.RotateRight(key, 8);
        }

        _mask = uint.RotateRight(_mask, 8 * (count & 3));
        return part;
    }
}
