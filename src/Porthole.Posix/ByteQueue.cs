namespace Porthole.Posix;

/// <summary>Bytes that wait for a descriptor to take them. It keeps its memory, so that a warm one allocates nothing.</summary>
public sealed class ByteQueue
{
    private byte[] _bytes = [];
    private int _start;

    /// <summary>Bytes waiting.</summary>
    public int Count { get; private set; }

    /// <summary>The bytes waiting, oldest first.</summary>
    public ReadOnlySpan<byte> Waiting => _bytes.AsSpan(_start, Count);

    /// <summary>Appends a copy.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_start + Count + bytes.Length > _bytes.Length)
            MakeRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_start + Count));
        Count += bytes.Length;
    }

    /// <summary>Drops the oldest bytes.</summary>
    public void Take(int count)
    {
        Count -= count;
        _start = Count == 0 ? 0 : _start + count;
    }

    /// <summary>Drops all.</summary>
    public void Clear() => Take(Count);

    private void MakeRoom(int more)
    {
        var target = Count + more <= _bytes.Length ? _bytes : new byte[Math.Max(Count + more, _bytes.Length * 2)];
        Waiting.CopyTo(target);
        _bytes = target;
        _start = 0;
    }
}
