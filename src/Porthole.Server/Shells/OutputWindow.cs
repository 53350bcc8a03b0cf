using System.Diagnostics;
using Porthole.Protocol.Shells;

namespace Porthole.Server.Shells;

/// <summary>
/// How much output a guest may send that the client's socket has not taken. Small, so that Ctrl+C acts on what is on the screen now; where
/// output flows fast, what passes in <see cref="s_look"/>, because each turn of guest, server and client then waits for the scheduler.
/// </summary>
internal struct OutputWindow()
{
    /// <summary>What a guest may send at first.</summary>
    public const int SmallestBytes = 96 * 1024;

    private const int LargestBytes = ShellLimits.MaxBytesUnderWay - (2 * SendBufferBytes);
    private const int GrantBytes = SmallestBytes / 4;

    private static readonly long s_look = Stopwatch.Frequency / 50;

    private int _size = SmallestBytes;
    private int _ungranted;
    private int _taken;
    private long _since;

    /// <summary>Size of the client's send buffer. The kernel doubles it for its bookkeeping (socket(7)), and may fill it to the end.</summary>
    public const int SendBufferBytes = 48 * 1024;

    /// <summary>Output has gone to the client, or waits for its socket.</summary>
    public void Count(int bytes)
    {
        _ungranted += bytes;
        _taken += bytes;
    }

    /// <summary>Asks for new credit. Only when nothing waits for the client's socket: what waits has not earned any.</summary>
    /// <returns>Bytes to give to the guest, or 0.</returns>
    public uint Grant()
    {
        if (_ungranted < GrantBytes)
            return 0;
        Adapt(Stopwatch.GetTimestamp());
        var credit = (uint)Math.Max(0, _ungranted);
        _ungranted = Math.Min(0, _ungranted);
        return credit;
    }

    // Half at once at most: a client that was not scheduled for a moment is not a slow one.
    private void Adapt(long now)
    {
        var elapsed = now - _since;
        if (elapsed < s_look)
            return;
        var size = (int)Math.Clamp(_taken * s_look / elapsed, Math.Max(SmallestBytes, _size / 2), LargestBytes);
        _ungranted += size - _size;
        (_size, _taken, _since) = (size, 0, now);
    }
}
