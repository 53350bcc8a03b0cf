using Porthole.Bench.Peers;
using Porthole.Bench.Terminals;

namespace Porthole.Bench;

/// <summary>
/// The shells of one measurement and the threads that read from them. Ends them all on every way out, and by force when the
/// measurement takes longer than its limit, so that a peer that hangs costs one result and not the run.
/// </summary>
internal sealed class ShellSet : IDisposable
{
    private readonly Peer _peer;
    private readonly TimeSpan _limit;
    private readonly List<Terminal> _terminals = [];
    private readonly List<Thread> _readers = [];
    private readonly HashSet<int> _sessions = [];
    private readonly Timer _watchdog;
    private readonly CancellationTokenRegistration _stop;
    private bool _timedOut;

    public ShellSet(Peer peer, TimeSpan limit, CancellationToken stop)
    {
        _peer = peer;
        _limit = limit;
        _stop = stop.Register(AbortAll);
        _watchdog = new Timer(_ => AbortAll(), null, limit, Timeout.InfiniteTimeSpan);
    }

    public Terminal Open(int session, int shell)
    {
        var terminal = _peer.Open(session, shell);
        lock (_terminals)
            _terminals.Add(terminal);
        _sessions.Add(session);
        return terminal;
    }

    /// <summary>Opens shells a few at a time, as starting hundreds of processes at once would only measure the queue.</summary>
    public List<Terminal> OpenMany(IEnumerable<(int Session, int Shell)> places, Action<Terminal> prepare)
    {
        List<Terminal> opened = [];
        foreach (var batch in places.Chunk(8))
        {
            var terminals = batch.Select(place => Open(place.Session, place.Shell)).ToList();
            terminals.ForEach(prepare);
            opened.AddRange(terminals);
        }
        return opened;
    }

    /// <summary>Lets a thread read a shell's output until its end, counting it.</summary>
    public ByteCounter ReadInBackground(Terminal terminal)
    {
        var counter = new ByteCounter();
        var reader = new Thread(() =>
        {
            try
            {
                while (true)
                    counter.Add(terminal.Read().Length);
            }
            catch (TerminalEndedException)
            {
                // A flood ends when its shell does; whether it ran is seen in the counter.
            }
        })
        { IsBackground = true, Name = "reader" };
        reader.Start();
        _readers.Add(reader);
        return counter;
    }

    /// <summary>Says why a stream ended early, when it was this class that cut it.</summary>
    public string? Verdict => Volatile.Read(ref _timedOut) ? $"no result within {_limit.TotalSeconds:0} s" : null;

    public void Dispose()
    {
        _stop.Dispose();
        using (var stopped = new ManualResetEvent(false))
        {
            if (_watchdog.Dispose(stopped))
                stopped.WaitOne();
        }
        foreach (var terminal in _terminals)
            terminal.End();
        foreach (var reader in _readers)
            if (!reader.Join(TimeSpan.FromSeconds(5)))
                AbortAll();
        foreach (var reader in _readers)
            reader.Join();
        foreach (var terminal in _terminals)
            terminal.Dispose();
        foreach (var session in _sessions)
            _peer.EndSession(session);
        WaitUntilQuiet();
    }

    private void AbortAll()
    {
        Volatile.Write(ref _timedOut, true);
        lock (_terminals)
            _terminals.ForEach(terminal => terminal.Abort());
    }

    /// <summary>No shell of this measurement may still run during the next one; a peer that leaves some is found out here.</summary>
    private static void WaitUntilQuiet()
    {
        var deadline = Clock.Now + 10 * Clock.Second;
        while (true)
        {
            Child.Reap();
            var left = ProcessTable.Descendants().Where(ProcessTable.IsWorkload).ToList();
            if (left.Count == 0)
                return;
            if (Clock.Now > deadline)
            {
                left.ForEach(process => _ = Native.Kill(process.Pid, Native.SIGKILL));
                throw new BenchException("shells outlived their measurement: " + string.Join(", ", left.Select(p => $"{p.Name} ({p.Pid})")));
            }
            Native.SleepUntil(Clock.Now + 20 * Clock.Millisecond);
        }
    }
}

/// <summary>Bytes that a reader has seen, for another thread to sample.</summary>
internal sealed class ByteCounter
{
    private long _bytes;

    public long Bytes => Volatile.Read(ref _bytes);

    public void Add(int count) => Volatile.Write(ref _bytes, _bytes + count);
}
