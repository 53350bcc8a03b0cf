using System.Buffers.Binary;
using System.Text;

namespace Porthole.Protocol.Link;

/// <summary>Puts the fields of one frame together, header included. Not for output and input bytes, which need no copy.</summary>
public sealed class LinkWriter
{
    private byte[] _buffer = new byte[256];
    private int _length;

    /// <summary>Begins a frame, dropping what was written before.</summary>
    public LinkWriter Begin()
    {
        _length = LinkFrame.HeaderBytes;
        return this;
    }

    /// <summary>Fills in the header and returns the whole frame, valid until the next <see cref="Begin"/>.</summary>
    /// <exception cref="ArgumentException">The fields are longer than <see cref="LinkFrame.MaxPayloadBytes"/>.</exception>
    public ReadOnlySpan<byte> End(LinkFrameType type, uint stream)
    {
        var payload = _length - LinkFrame.HeaderBytes;
        if (payload > LinkFrame.MaxPayloadBytes)
            throw new ArgumentException($"the fields of this {type} frame take {payload} bytes, more than {LinkFrame.MaxPayloadBytes}");
        new LinkFrame(payload, type, stream).WriteTo(_buffer);
        return _buffer.AsSpan(0, _length);
    }

    internal void Byte(byte value) => Grow(1)[0] = value;

    internal void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Grow(2), value);

    internal void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Grow(4), value);

    internal void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Grow(8), value);

    internal void Text(string value)
    {
        var bytes = Encoding.UTF8.GetByteCount(value);
        UInt32((uint)bytes);
        Encoding.UTF8.GetBytes(value, Grow(bytes));
    }

    internal void Texts(IReadOnlyList<string> values)
    {
        UInt32((uint)values.Count);
        foreach (var value in values)
            Text(value);
    }

    internal void Block(ReadOnlySpan<byte> value)
    {
        UInt32((uint)value.Length);
        Bytes(value);
    }

    internal void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Grow(value.Length));

    private Span<byte> Grow(int bytes)
    {
        if (_length + bytes > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(_length + bytes, _buffer.Length * 2));
        _length += bytes;
        return _buffer.AsSpan(_length - bytes, bytes);
    }
}
