using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// The way to the guest of a virtual machine. There is one port for all lanes, and on it one lane as the guest sees it: the streams of all
/// lanes of this end travel on it under numbers of their own. A thread for each machine, so that between two machines stands the kernel.
/// Nothing that comes through the port is believed: who breaks the protocol loses all lanes, and those of no other machine.
/// </summary>
internal sealed partial class MachineLink : IGuestLink
{
    private static readonly TimeSpan BacklogRetry = TimeSpan.FromMilliseconds(5);

    private readonly EventLoop _loop = new("machine link");
    private volatile string _directory;
    private readonly HashSet<MachineLane> _lanes = [];
    private readonly List<TaskCompletionSource<Descriptor>> _waiting = [];
    private Func<MachineIdentity>? _identity;
    private Func<MachineAwakening>? _awakening;
    private TaskCompletionSource? _listening;
    private bool _disposed;

    /// <summary>Makes the link; it connects when the first lane is wanted.</summary>
    /// <param name="directory">Where the port's socket is.</param>
    /// <param name="identity">For a machine that nobody has told yet who it is; asked for when it is there to listen.</param>
    /// <param name="awakening">For a machine that was suspended; asked for likewise.</param>
    public MachineLink(string directory, Func<MachineIdentity>? identity, Func<MachineAwakening>? awakening = null)
    {
        (_directory, _identity, _awakening) = (directory, identity, awakening);
        _loop.Start();
    }

    /// <inheritdoc/>
    public async ValueTask<Descriptor> ConnectAsync(CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var wanted = new TaskCompletionSource<Descriptor>(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(() => Want(wanted));
        try
        {
            return await wanted.Task.WaitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            _loop.Post(() => GiveUp(wanted));
            throw;
        }
    }

    /// <summary>Waits until the guest answers a reset, and hangs up: a machine that was not told who it is waits for that then, and does nothing.</summary>
    /// <exception cref="SandboxException">The machine has ended.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public async Task WaitUntilListeningAsync(CancellationToken cancel)
    {
        _listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(Connect);
        await _listening.Task.WaitAsync(cancel);
    }

    /// <inheritdoc/>
    public void MovedTo(string directory) => _directory = directory;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        _loop.Post(() =>
        {
            Break(Ended());
            _loop.Stop();
        });
        _loop.Join();
        _loop.Dispose();
    }

    private void Want(TaskCompletionSource<Descriptor> wanted)
    {
        if (_state == State.Open)
        {
            wanted.SetResult(OpenLane());
            return;
        }

        _waiting.Add(wanted);
        if (_state == State.Closed)
            Connect();
    }

    private void GiveUp(TaskCompletionSource<Descriptor> wanted)
    {
        if (!_waiting.Remove(wanted) && wanted.Task.IsCompletedSuccessfully)
            wanted.Task.Result.Dispose();
    }

    private SandboxException Ended() => new($"the sandbox of {_directory} has ended");

    private Descriptor OpenLane()
    {
        var (near, far) = UnixSocket.Pair();
        var lane = new MachineLane(this, _loop, near);
        _lanes.Add(lane);
        lane.Send(_greeting);
        return far;
    }

    private void Connect()
    {
        try
        {
            if (UnixSocket.TryConnect(_directory, Sandbox.LinkName) is { } port)
                Begin(port);
            else
                _loop.Schedule(BacklogRetry, Connect);
        }
        catch (PosixException)
        {
            Break(Ended());
        }
    }

    /// <summary>Lets go of the port and of everything that depended on it; the next one who wants a lane begins anew.</summary>
    private void Break(SandboxException reason)
    {
        Close();
        foreach (var lane in _lanes.ToArray())
            lane.Close();
        foreach (var wanted in _waiting)
            wanted.TrySetException(reason);
        _waiting.Clear();
        _listening?.TrySetException(reason);
    }
}
