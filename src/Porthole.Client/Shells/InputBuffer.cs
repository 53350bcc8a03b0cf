using System.Numerics;

namespace Porthole.Client;

/// <summary>What became of input when a connection came back.</summary>
/// <param name="Resent">Bytes that had been sent, did not arrive, and are sent again.</param>
/// <param name="Lost">Bytes that did not arrive and are no longer held, or were never sent to a shell that is gone.</param>
internal readonly record struct InputResume(long Resent, long Lost);

/// <summary>
/// Input on its way: queued, written to a socket, acknowledged. Positions count every byte that the caller gave, from 0.
/// Acknowledged bytes stay until their room is needed, because a server may lose what it had already taken.
/// </summary>
/// <remarks>Not for several threads: the connection's lock guards it.</remarks>
internal sealed class InputBuffer
{
    /// <summary>
    /// Bytes that may be unacknowledged before the caller has to wait. Four times the window that the server grants (64 KB), so that it is
    /// the shell that slows a paste down and not the wait for acknowledgements.
    /// </summary>
    internal const int Capacity = 256 * 1024;

    // Typing fits a small ring; a paste grows it.
    private const int SmallestRing = 4 * 1024;

    private byte[] _ring = new byte[SmallestRing];
    private long _held;
    private long _acknowledged;
    private long _written;
    private long _queued;

    // The shell's own count of accepted bytes at our position 0; null for a server that does not count.
    private long? _origin;

    /// <summary>Whether the server counts input, so that it is worth asking it for acknowledgements.</summary>
    internal bool IsExact => _origin is not null;

    /// <summary>Bytes that can be queued now.</summary>
    internal int Room => Capacity - (int)(_queued - _acknowledged);

    /// <summary>Bytes queued and not yet written to the current socket.</summary>
    internal int Unwritten => (int)(_queued - _written);

    /// <summary>Position of the last byte written to the current socket.</summary>
    internal long Written => _written;

    /// <summary>
    /// Whether so much is unacknowledged that the server should be asked how far it is: half of the ring, so that the answer comes before
    /// the ring has to grow, and typing costs one question in some thousand keys.
    /// </summary>
    internal bool WantsAcknowledgement => IsExact && _written - _acknowledged >= _ring.Length / 2;

    /// <summary>The first attach: from here on the server's count and ours run in step.</summary>
    /// <param name="inputOffset">The shell's count, or null when the server has none.</param>
    internal void Start(long? inputOffset) => _origin = inputOffset - _written;

    /// <summary>Queues as much as there is room for.</summary>
    /// <returns>Bytes taken from the front.</returns>
    internal int Append(ReadOnlySpan<byte> input)
    {
        input = input[..Math.Min(input.Length, Room)];
        MakeRoom(input.Length);
        Copy(input, _ring, (int)(_queued & (_ring.Length - 1)));
        _queued += input.Length;
        _held = Math.Max(_held, _queued - _ring.Length);
        return input.Length;
    }

    /// <summary>Takes queued bytes to be written to the socket.</summary>
    /// <returns>Bytes taken, 0 when there are none.</returns>
    internal int Take(Span<byte> destination)
    {
        var length = Math.Min(destination.Length, Unwritten);
        var start = (int)(_written & (_ring.Length - 1));
        var first = Math.Min(length, _ring.Length - start);
        _ring.AsSpan(start, first).CopyTo(destination);
        _ring.AsSpan(0, length - first).CopyTo(destination[first..length]);
        _written += length;

        // Nobody will tell us what arrived, so nothing is ever sent twice.
        if (!IsExact) _acknowledged = _written;
        return length;
    }

    /// <summary>The server has taken everything up to a position.</summary>
    internal void Acknowledge(long position) => _acknowledged = Math.Max(_acknowledged, Math.Min(position, _written));

    /// <summary>The same shell answers on a new socket: goes back to the first byte that it does not have.</summary>
    /// <param name="inputOffset">The shell's count, or null when the server has none.</param>
    internal InputResume Resume(long? inputOffset)
    {
        if (inputOffset is not { } offset || _origin is not { } origin)
        {
            Start(inputOffset);
            _acknowledged = _written;
            return default;
        }

        var arrived = offset - origin;
        if (arrived > _written || arrived < 0)
        {
            // Somebody else typed meanwhile, or the count began anew. Which of our bytes arrived cannot be known, and typing a command twice
            // is worse than not at all.
            Start(offset);
            _acknowledged = _written;
            return default;
        }

        var from = Math.Max(arrived, _held);
        var resume = new InputResume(_written - from, from - arrived);
        _acknowledged = _written = from;
        _origin = offset - from;
        return resume;
    }

    /// <summary>Another shell answers under the same id: input meant for the old one must not reach it.</summary>
    /// <param name="inputOffset">The new shell's count, or null when the server has none.</param>
    internal InputResume Restart(long? inputOffset)
    {
        var lost = _queued - _written;
        _held = _acknowledged = _written = _queued;
        Start(inputOffset);
        return new InputResume(0, lost);
    }

    private void MakeRoom(int more)
    {
        var needed = (int)(_queued - _acknowledged) + more;
        if (needed <= _ring.Length) return;
        var larger = new byte[BitOperations.RoundUpToPowerOf2((uint)needed)];
        for (var position = _held; position < _queued; position++)
            larger[position & (larger.Length - 1)] = _ring[position & (_ring.Length - 1)];
        _ring = larger;
    }

    private static void Copy(ReadOnlySpan<byte> source, byte[] ring, int start)
    {
        var first = Math.Min(source.Length, ring.Length - start);
        source[..first].CopyTo(ring.AsSpan(start));
        source[first..].CopyTo(ring);
    }
}
