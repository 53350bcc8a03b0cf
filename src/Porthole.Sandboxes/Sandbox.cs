using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// A running sandbox. It outlives this object and the server: <see cref="NamespaceDriver.AdoptAsync"/> takes it over again.
/// When it ends, for whatever reason, everything that belonged to it is cleared away, and then <see cref="Exited"/> completes.
/// </summary>
public sealed class Sandbox
{
    /// <summary>Name of the guest's listening socket in the session's directory.</summary>
    internal const string LinkName = "link.sock";

    // A full backlog means that the guest is busy accepting; there is no event for room in it.
    private static readonly TimeSpan BacklogRetry = TimeSpan.FromMilliseconds(5);

    // What a process needs to leave after SIGKILL is bounded by the kernel's work for it; this is for a host in deep trouble.
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(10);

    private readonly WatchedProcess _outer;
    private readonly WatchedProcess _inner;
    private readonly BoundedLog? _log;
    private volatile bool _killed;

    internal Sandbox(string directory, SandboxState state, WatchedProcess outer, WatchedProcess inner, BoundedLog? log, Func<Sandbox, Task> clear)
    {
        (Directory, State, _outer, _inner, _log) = (directory, state, outer, inner, log);
        Exited = RunToEndAsync(clear);
    }

    /// <summary>The session's directory.</summary>
    public string Directory { get; }

    /// <summary>What it may use.</summary>
    public SandboxLimits Limits => State.Limits;

    /// <summary>The process that holds it together, as the host sees it.</summary>
    public int OuterPid => _outer.Identity.Pid;

    /// <summary>The first process inside, as the host sees it.</summary>
    public int InnerPid => _inner.Identity.Pid;

    /// <summary>The user id that it has on the host for itself; null when it runs as the server's own user.</summary>
    public uint? UserId => State.UserId;

    /// <summary>Completes once nothing of the sandbox is left: no process, mount, control group or file. Never fails.</summary>
    public Task<SandboxExit> Exited { get; }

    internal SandboxState State { get; }

    /// <summary>Connects to the guest: one more lane.</summary>
    /// <returns>A non-blocking descriptor that belongs to the caller.</returns>
    /// <exception cref="SandboxException">The sandbox has ended.</exception>
    /// <exception cref="OperationCanceledException">The guest accepted nothing for as long as the caller wanted to wait.</exception>
    public async ValueTask<Descriptor> ConnectAsync(CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                if (UnixSocket.TryConnect(Directory, LinkName) is { } lane)
                    return lane;
            }
            catch (PosixException failure)
            {
                throw new SandboxException($"the sandbox of {Directory} has ended", failure);
            }

            await Task.Delay(BacklogRetry, cancel);
        }
    }

    /// <summary>Ends the sandbox with all that runs in it, and waits until everything is cleared away. May be called any number of times.</summary>
    public Task<SandboxExit> KillAsync()
    {
        _killed = true;

        // With its first process the kernel ends a process namespace as a whole; bubblewrap outside reaps it and follows.
        _inner.Kill();
        return Exited;
    }

    private async Task<SandboxExit> RunToEndAsync(Func<Sandbox, Task> clear)
    {
        // Either alone is of no use.
        await Task.WhenAny(_outer.Ended, _inner.Ended);
        _inner.Kill();
        await _inner.Ended;

        // bubblewrap outside leaves with the status of the first process inside, when it is left the time.
        if (await Task.WhenAny(_outer.Ended, Task.Delay(LeaveTimeout)) != _outer.Ended)
            _outer.Kill();
        var detail = $"the sandbox's first process {await _outer.Ended}";
        if (_log?.Tail() is { Length: > 0 } printed)
            detail += $": {printed}";
        _log?.Dispose();
        await clear(this);
        return new SandboxExit(_killed, detail);
    }
}
