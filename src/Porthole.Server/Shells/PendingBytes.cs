using System.Buffers;

namespace Porthole.Server.Shells;

/// <summary>Bytes that a descriptor had no room for. Empty, it holds no buffer.</summary>
internal struct PendingBytes
{
    private byte[]? _buffer;
    private int _start;
    private int _end;

    public readonly int Count => _end - _start;

    public readonly bool IsEmpty => _end == _start;

    public readonly ReadOnlySpan<byte> Span => _buffer.AsSpan(_start, Count);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_buffer is null || _end + bytes.Length > _buffer.Length)
            MakeRoom(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    public void Consume(int bytes)
    {
        _start += bytes;
        if (_start == _end)
            Clear();
    }

    /// <summary>Gives the buffer back.</summary>
    public void Clear()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = (null, 0, 0);
    }

    private void MakeRoom(int bytes)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Count + bytes, 1024));
        Span.CopyTo(larger);
        (_start, _end) = (0, Count);
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
