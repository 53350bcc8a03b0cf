using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>A process whose end is waited for without a thread, whether it is a child of ours or was adopted.</summary>
internal sealed class WatchedProcess : IPollable
{
    /// <summary>What <see cref="Ended"/> says of a child that exited with status 0.</summary>
    public const string Success = "exited with status 0";

    private readonly EventLoop _loop;
    private readonly PidFd _process;
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WatchedProcess(EventLoop loop, PidFd process, ProcessIdentity identity) => (_loop, _process, Identity) = (loop, process, identity);

    /// <summary>Which process this is.</summary>
    public ProcessIdentity Identity { get; }

    /// <summary>Completes when the process has ended, with a few words on how; a child is reaped then.</summary>
    public Task<string> Ended => _ended.Task;

    /// <summary>Watches whoever has this process id now; null when nobody has.</summary>
    public static WatchedProcess? TryWatch(EventLoop loop, int pid)
    {
        var process = PidFd.TryOpen(pid);
        if (process is null)
            return null;

        // Read after the descriptor is open: if the number changed hands in between, the descriptor's process is dead and reads as such.
        if (ProcessIdentity.Of(pid) is not { } identity)
        {
            process.Dispose();
            return null;
        }

        var watched = new WatchedProcess(loop, process, identity);
        loop.Post(() => loop.Add(process.Descriptor.Number, PollEvents.Readable, watched));
        return watched;
    }

    /// <summary>Sends SIGKILL, soon; harmless when the process has ended.</summary>
    public void Kill() => _loop.Post(() =>
    {
        // Here and not on the caller's thread: once it has ended, its descriptor is closed and may be another process's.
        if (!_ended.Task.IsCompleted)
            _process.Signal(Libc.SIGKILL);
    });

    /// <summary>Stops watching; <see cref="Ended"/> never completes then.</summary>
    public void Release() => _loop.Post(() =>
    {
        if (_ended.Task.IsCompleted)
            return;
        _loop.Remove(_process.Descriptor.Number);
        _process.Dispose();
    });

    void IPollable.OnReady(int fd, PollEvents ready)
    {
        _loop.Remove(fd);
        var how = Reap(_process.Pid);
        _process.Dispose();
        _ended.SetResult(how);
    }

    private static unsafe string Reap(int pid)
    {
        int status;
        int reaped;
        do
            reaped = Libc.WaitPid(pid, &status, Libc.WNOHANG);
        while (reaped < 0 && Errno.Last == Errno.EINTR);

        // ECHILD: adopted, so that init has its status and not we.
        if (reaped != pid)
            return "ended";
        var signal = status & 0x7f;
        return signal == 0 ? $"exited with status {(status >> 8) & 0xff}" : $"was killed by signal {signal}";
    }
}
