using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>
/// A shell: its terminal, what it printed and what it was sent. At any moment exactly one loop uses it: that of the lane it is attached
/// to, or the home loop. Only the home loop closes it, when no lane has it any more.
/// </summary>
internal sealed unsafe class Shell(string id, PseudoTerminal terminal, OutputRing ring, int replayBytes, int processId) : IDisposable
{
    private readonly ByteQueue _input = new();

    public string Id { get; } = id;

    /// <summary>See <see cref="ShellAttached.Incarnation"/>.</summary>
    public long Incarnation { get; } = Random.Shared.NextInt64();

    public PseudoTerminal Terminal { get; } = terminal;

    public OutputRing Ring { get; } = ring;

    /// <summary>Bytes kept of what no stream was sent. The ring holds what is under way beside them.</summary>
    public int ReplayBytes { get; } = replayBytes;

    /// <summary>The first process, whose number is that of its session as well.</summary>
    public int ProcessId { get; } = processId;

    /// <summary>Offset after the last output byte that any stream was sent.</summary>
    public long SentOffset { get; set; }

    /// <summary>
    /// Offset of the oldest byte that a stream can still get. Only what was printed while no stream took it is limited to
    /// <see cref="ReplayBytes"/>: what was under way when a connection broke is there as well, if no more than that was printed since.
    /// </summary>
    public long OldestOffset => Ring.End - SentOffset > ReplayBytes ? Ring.End - ReplayBytes : Ring.Start;

    /// <summary>Input bytes accepted in the shell's life, those still queued here included.</summary>
    public long InputOffset { get; private set; }

    /// <summary>Input bytes accepted that the terminal did not take yet.</summary>
    public int QueuedInputBytes => _input.Count;

    /// <summary>Types bytes; what the terminal does not take now waits for <see cref="WriteQueuedInput"/>.</summary>
    public void Accept(ReadOnlySpan<byte> input)
    {
        InputOffset += input.Length;
        if (_input.Count == 0)
            input = input[Write(input)..];
        if (input.Length > 0)
            _input.Append(input);
    }

    /// <summary>Types what waits, as much as the terminal takes.</summary>
    public void WriteQueuedInput()
    {
        if (_input.Count > 0)
            _input.Take(Write(_input.Waiting));
    }

    /// <summary>Reads once from the terminal into the ring.</summary>
    /// <param name="wanted">Bytes at most.</param>
    /// <param name="count">Bytes read, when the result is <see cref="TerminalRead.Data"/>.</param>
    public TerminalRead Read(int wanted, out int count)
    {
        while (true)
        {
            count = (int)Ring.Fill(Terminal.Master.Number, wanted);
            if (count > 0)
                return TerminalRead.Data;
            switch (count == 0 ? Errno.EIO : Errno.Last)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return TerminalRead.Empty;
                case Errno.EIO:
                    return TerminalRead.NobodyHasItOpen;
                default:
                    // Not known to happen. The shell may be well, so only its exit ends it.
                    GuestLog.Write(PosixException.FromLast($"read the terminal of shell {Id}").Message);
                    return TerminalRead.NobodyHasItOpen;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Terminal.Dispose();
        Ring.Dispose();
    }

    private int Write(ReadOnlySpan<byte> input)
    {
        var written = 0;
        fixed (byte* start = input)
        {
            while (written < input.Length)
            {
                var count = Libc.Write(Terminal.Master.Number, start + written, (nuint)(input.Length - written));
                if (count > 0)
                    written += (int)count;
                else if (count == 0 || Errno.Last == Errno.EAGAIN)
                    return written;
                else if (Errno.Last != Errno.EINTR)
                    return input.Length; // EIO: nobody can read it any more, so it counts as typed.
            }
        }

        return written;
    }
}

/// <summary>What a read from a terminal found.</summary>
internal enum TerminalRead
{
    Data,

    /// <summary>All that was printed so far has been read: the kernel flushes what is under way before it says so (n_tty_read).</summary>
    Empty,

    /// <summary>No process has the terminal open. One may open it again as long as the shell's session lives.</summary>
    NobodyHasItOpen,
}
