using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>
/// The sandbox's agent: its process, the newest of what it printed over all its runs, and how the last run ended. On the home loop.
/// Its pipe is always read: no reader of the log, or none at all, holds it up.
/// </summary>
internal sealed unsafe class Agent(EventLoop loop, int logBytes, Action printed) : IPollable
{
    // A turn among others, as a detached shell's.
    private const int MaxBytesPerTurn = 64 * 1024;

    private Descriptor? _output;
    private Watch _watch;

    /// <summary>What it printed.</summary>
    public OutputRing Log { get; } = new(logBytes);

    /// <summary>How often one was started.</summary>
    public uint Run { get; private set; }

    /// <summary>The process of the last run; 0 before the first.</summary>
    public int ProcessId { get; private set; }

    /// <summary>How the last run ended; null while it goes on.</summary>
    public ProcessExit? Exit { get; private set; }

    /// <summary>Whether there is one now.</summary>
    public bool IsRunning => Run > 0 && Exit is null;

    /// <summary>Begins a run. The pipe of the run before, should leftovers still have it open, is closed.</summary>
    public void Begin(int processId, Descriptor output)
    {
        StopReading();
        (ProcessId, Exit, _output) = (processId, null, output);
        Run++;
        _watch = new Watch(loop, output.Number, this);
        _watch.Set(PollEvents.Readable);
    }

    /// <summary>Its process has ended: what the pipe holds at this moment still counts before the exit, whoever has it open.</summary>
    public void End(ProcessExit exit)
    {
        int left;
        if (_output is not null && Libc.Ioctl(_output.Number, Libc.FIONREAD, &left) == 0)
            Read(left);
        Exit = exit;
        printed();
    }

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        Read(MaxBytesPerTurn);
        printed();
    }

    /// <summary>Copies a part of the log.</summary>
    /// <param name="from">Offset of the first byte wanted.</param>
    /// <param name="count">How many at most.</param>
    public LogPart Part(long from, int count)
    {
        var start = Math.Clamp(from, Log.Start, Log.End);
        var bytes = new byte[Math.Min(count, Log.End - start)];
        if (bytes.Length > 0)
        {
            var parts = stackalloc Libc.IoVec[2];
            var used = Log.Slice(start, bytes.Length, parts);
            var first = new ReadOnlySpan<byte>(parts[0].Base, (int)parts[0].Length);
            first.CopyTo(bytes);
            if (used == 2)
                new ReadOnlySpan<byte>(parts[1].Base, (int)parts[1].Length).CopyTo(bytes.AsSpan(first.Length));
        }

        return new LogPart(new AgentAttached(false, Run, start, Log.End, Math.Max(0, start - from)), bytes, start + bytes.Length == Log.End ? Exit : null);
    }

    private void Read(int wanted)
    {
        while (wanted > 0 && _output is not null)
        {
            var count = Log.Fill(_output.Number, wanted);
            if (count > 0)
                wanted -= (int)count;
            else if (count == 0 || Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
                StopReading();
            else if (Errno.Last == Errno.EAGAIN)
                return;
        }
    }

    private void StopReading()
    {
        _watch.Set(PollEvents.None);
        _output?.Dispose();
        _output = null;
    }
}

/// <summary>A part of the agent's log on its way to a stream.</summary>
/// <param name="At">Where it begins, and what is missing in front of it.</param>
/// <param name="Bytes">The bytes; none when there are none yet.</param>
/// <param name="Exit">How the agent ended, when it has and nothing follows these bytes.</param>
internal readonly record struct LogPart(AgentAttached At, byte[] Bytes, ProcessExit? Exit);
