using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes;

/// <summary>
/// A running sandbox. It outlives this object and the server: <see cref="SandboxDriver.AdoptAsync"/> takes it over again.
/// When it ends, for whatever reason, everything that belonged to it is cleared away, and then <see cref="Exited"/> completes.
/// </summary>
public sealed class Sandbox
{
    /// <summary>Name of the guest's listening socket in the session's directory.</summary>
    internal const string LinkName = "link.sock";

    // Those who follow their sandbox do so at once; this is for one that is stopped or stuck.
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(5);

    // For a kernel to write back what a gigabyte of storage has in its cache, on a busy host.
    private static readonly TimeSpan HaltTimeout = TimeSpan.FromSeconds(15);

    private readonly EventLoop _loop;
    private readonly WatchedProcess _outer;
    private readonly WatchedProcess _inner;
    private readonly IGuestLink _link;
    private readonly BoundedLog? _log;
    private Task<string?> _egress = Task.FromResult<string?>("it was not asked for, or this host cannot");
    private Task _network = Task.CompletedTask;
    private WatchedProcess? _networkProcess;
    private readonly Lock _stateLock = new();
    private Descriptor? _firstLane;
    private bool _killed;

    internal Sandbox(EventLoop loop, string directory, SandboxState state, WatchedProcess outer, WatchedProcess inner, IGuestLink link, BoundedLog? log)
    {
        (_loop, Directory, State, _outer, _inner, _link, _log) = (loop, directory, state, outer, inner, link, log);
        Ending = Task.WhenAny(outer.Ended, inner.Ended);
    }

    /// <summary>The session's directory.</summary>
    public string Directory { get; private set; }

    /// <summary>What stands between it and the host.</summary>
    public Isolation Isolation => State.Isolation;

    /// <summary>What runs a machine's instructions, "kvm" or "tcg"; null when it is none.</summary>
    public string? Accelerator => State.Machine?.Description.Accelerator;

    /// <summary>What it may use.</summary>
    public SandboxLimits Limits => State.Limits;

    /// <summary>The process that holds it together, as the host sees it.</summary>
    public int OuterPid => _outer.Identity.Pid;

    /// <summary>The first process inside, as the host sees it.</summary>
    public int InnerPid => _inner.Identity.Pid;

    /// <summary>The user id that it has on the host for itself; null when it runs as the server's own user.</summary>
    public uint? UserId => State.UserId;

    /// <summary>
    /// Completes when it is settled whether the sandbox reaches the world: null when it does, otherwise why not. Takes some tens of
    /// milliseconds longer than the start; wait for it before running what needs the network at once.
    /// </summary>
    public Task<string?> Egress => _egress;

    /// <summary>Completes once nothing of the sandbox is left: no process, mount, control group or file. Never fails.</summary>
    public Task<SandboxExit> Exited { get; private set; } = null!;

    internal SandboxState State { get; private set; }

    /// <summary>Completes when the sandbox begins to end.</summary>
    internal Task Ending { get; }

    /// <summary>Connects to the guest: one more lane.</summary>
    /// <returns>A non-blocking descriptor that belongs to the caller.</returns>
    /// <exception cref="SandboxException">The sandbox has ended.</exception>
    /// <exception cref="OperationCanceledException">The guest accepted nothing for as long as the caller wanted to wait.</exception>
    public ValueTask<Descriptor> ConnectAsync(CancellationToken cancel) =>
        Interlocked.Exchange(ref _firstLane, null) is { } first ? ValueTask.FromResult(first) : _link.ConnectAsync(cancel);

    /// <summary>Ends the sandbox with all that runs in it, and waits until everything is cleared away. May be called any number of times.</summary>
    public Task<SandboxExit> KillAsync()
    {
        // With its first process the kernel ends a process namespace as a whole; bubblewrap outside reaps it and follows.
        var isFirst = !Interlocked.Exchange(ref _killed, true);
        if (!State.MustHalt)
            _inner.Kill();
        else if (isFirst)
            _ = HaltAsync();
        return Exited;
    }

    /// <summary>Ends the processes of a machine that is paused and lies on the disk: nothing in it could answer.</summary>
    internal Task<SandboxExit> EndSavedAsync()
    {
        Volatile.Write(ref _killed, true);
        _inner.Kill();
        return Exited;
    }

    /// <summary>Begins to wait for its end. Before this the caller has to clear up; from here on the sandbox does.</summary>
    internal void Begin(Func<string, SandboxState, Task> clear) => Exited = RunToEndAsync(clear);

    /// <summary>Moves its directory, which must not exist yet where it goes; only while nobody else uses it.</summary>
    /// <exception cref="IOException">It cannot be moved there.</exception>
    internal void MoveTo(string directory)
    {
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(directory)!);
        System.IO.Directory.Move(Directory, directory);
        Directory = directory;
        _link.MovedTo(directory);
    }

    /// <summary>Says what brings the network, and what keeps it until the sandbox ends; only before <see cref="Begin"/>.</summary>
    internal void SetNetwork(Task<string?> egress, Task network) => (_egress, _network) = (egress, network);

    /// <summary>Says which process the network is, and writes it down; only before the task that keeps it completes.</summary>
    internal void SetNetworkProcess(WatchedProcess process)
    {
        _networkProcess = process;
        Note(state => state with { Network = process.Identity });
    }

    /// <summary>Changes what a later server will know.</summary>
    /// <param name="change">The change.</param>
    /// <param name="isLasting">Whether it shall outlive the host's next boot.</param>
    /// <exception cref="IOException">The disk is full; nothing has changed.</exception>
    internal void Note(Func<SandboxState, SandboxState> change, bool isLasting = false)
    {
        lock (_stateLock)
        {
            var changed = change(State);
            if (isLasting)
                changed.WriteThrough(Directory);
            else
                changed.Write(Directory);
            State = changed;
        }
    }

    /// <summary>Waits for the guest's first word, and keeps that lane for the first caller of <see cref="ConnectAsync"/>.</summary>
    internal async Task WaitForGuestAsync(TimeSpan timeout, CancellationToken cancel)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(timeout);
        try
        {
            if (await TryHearAsync(late.Token))
                return;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SandboxException($"the guest of {Directory} said nothing for {timeout.TotalSeconds} s: is the host overloaded? It printed: {_log?.Tail()}");
        }

        // Its processes follow the socket, and their status tells more than ours would.
        await Task.WhenAny(Ending, Task.Delay(LeaveTimeout, CancellationToken.None));
        throw new SandboxException($"the sandbox of {Directory} ended before its guest said a word: {(await KillAsync()).Detail}");
    }

    // Its kernel has a cache of its own, and what is in it would be lost.
    private async Task HaltAsync()
    {
        using var late = new CancellationTokenSource(HaltTimeout);
        try
        {
            using var lane = await _link.ConnectAsync(late.Token);
            UnixSocket.Send(lane, LinkSmallFrames.WriteEmpty(new LinkWriter(), LinkFrameType.Halt, 0), null);
            await Ending.WaitAsync(late.Token);
        }
        catch (Exception deaf) when (deaf is SandboxException or PosixException or OperationCanceledException)
        {
            // Ended as it is: its storage has a journal.
        }

        _inner.Kill();
    }

    private async Task<bool> TryHearAsync(CancellationToken cancel)
    {
        try
        {
            var lane = await ConnectAsync(cancel);
            if (await FirstWord.WaitAsync(_loop, lane, cancel))
            {
                _firstLane = lane;
                return true;
            }

            lane.Dispose();
            return false;
        }
        catch (SandboxException)
        {
            // Nobody listens any more: the sandbox's own end says why.
            return false;
        }
    }

    private async Task<SandboxExit> RunToEndAsync(Func<string, SandboxState, Task> clear)
    {
        // 1. Either alone is of no use. bubblewrap outside leaves with the status of the first process inside.
        await Ending;
        _inner.Kill();
        await _inner.Ended;
        await LeaveAsync(_outer.Ended, _outer);

        // 2. The network leaves when the first process inside has closed its end of a pipe.
        await LeaveAsync(_network, _networkProcess);

        // 3. What they printed is gone with the log.
        var detail = $"the sandbox's first process {await _outer.Ended}";
        if (_log?.Tail() is { Length: > 0 } printed)
            detail += $": {printed}";
        _log?.Dispose();
        Interlocked.Exchange(ref _firstLane, null)?.Dispose();
        _link.Dispose();
        await clear(Directory, State);
        return new SandboxExit(Volatile.Read(ref _killed), detail, State.Suspension == Suspension.Saved);
    }

    private static async Task LeaveAsync(Task left, WatchedProcess? process)
    {
        try
        {
            await left.WaitAsync(LeaveTimeout);
        }
        catch (TimeoutException)
        {
            process?.Kill();
            await left;
        }
    }
}
