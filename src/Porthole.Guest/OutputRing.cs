using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>
/// The newest bytes that a terminal printed, each with its absolute offset (0 is the first byte ever). New bytes overwrite the oldest.
/// The memory is the kernel's until a byte is stored there, so an idle shell pays for what it printed only.
/// </summary>
internal sealed unsafe class OutputRing : IDisposable
{
    private byte* _memory;
    private long _end;

    /// <summary>Makes an empty ring.</summary>
    /// <exception cref="PosixException">There is no address space left.</exception>
    public OutputRing(int capacityBytes)
    {
        Capacity = capacityBytes;
        _memory = (byte*)Libc.MMap(null, (nuint)capacityBytes, Libc.PROT_READ | Libc.PROT_WRITE,
            Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE, -1, 0);
        if (_memory == Libc.MapFailed)
            throw PosixException.FromLast("memory for a replay ring");
    }

    /// <summary>Bytes it holds at most.</summary>
    public int Capacity { get; }

    /// <summary>Offset after the newest byte. The one member that other threads may read, for the list of shells.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Offset of the oldest byte still held.</summary>
    public long Start => Math.Max(0, _end - Capacity);

    /// <summary>Reads once from a descriptor into the ring.</summary>
    /// <param name="fd">A non-blocking descriptor.</param>
    /// <param name="wanted">Bytes to read at most; fewer are read before the place where the ring begins again.</param>
    /// <returns>What read(2) returned, its error in <see cref="Errno.Last"/>.</returns>
    public nint Fill(int fd, int wanted)
    {
        var position = (int)(_end % Capacity);
        var count = Libc.Read(fd, _memory + position, (nuint)Math.Min(wanted, Capacity - position));
        if (count > 0)
            Volatile.Write(ref _end, _end + count);
        return count;
    }

    /// <summary>Points at <paramref name="count"/> bytes from <paramref name="offset"/> on, all of which must be held.</summary>
    /// <param name="offset">Between <see cref="Start"/> and <see cref="End"/>.</param>
    /// <param name="count">At most up to <see cref="End"/>.</param>
    /// <param name="parts">Room for two parts.</param>
    /// <returns>How many parts they are: 1, or 2 when they run over the ring's end.</returns>
    public int Slice(long offset, int count, Libc.IoVec* parts)
    {
        var position = (int)(offset % Capacity);
        var first = Math.Min(count, Capacity - position);
        parts[0] = new Libc.IoVec { Base = _memory + position, Length = (nuint)first };
        if (first == count)
            return 1;
        parts[1] = new Libc.IoVec { Base = _memory, Length = (nuint)(count - first) };
        return 2;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_memory != null)
            _ = Libc.MUnmap(_memory, (nuint)Capacity);
        _memory = null;
    }
}
