using Porthole.Posix;
using Porthole.Protocol.Aws;
using Porthole.Sandboxes;
using Porthole.Sandboxes.Images;
using Porthole.Server.Agents;
using Porthole.Server.Api;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Sessions;

/// <summary>
/// One life of a runtime session: its sandbox, its shells and its clocks. States go forward, Starting, Active, Stopping, Ended, but that an active
/// one may be suspended and come back: Suspending, Suspended, Resuming, Active. A session id that is used after the end gets a new one of these.
/// </summary>
internal sealed partial class Session
{
    private static readonly TimeSpan NetworkTimeout = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly SandboxDriver _driver;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SessionState _state = SessionState.Starting;
    private Sandbox? _sandbox;
    private int _busy;
    private int _requests;
    private DateTimeOffset _idleSince;

    private readonly TimeSpan _idleTimeout;
    private readonly TimeSpan _maxLifetime;

    public Session(SessionRecord record, Deployment deployment, string directory, ServerOptions options, SandboxDriver driver, TimeProvider time)
    {
        _driver = driver;
        _idleTimeout = options.IdleTimeout ?? TimeSpan.FromSeconds(deployment.Configuration.LifecycleConfiguration.IdleRuntimeSessionTimeout);
        _maxLifetime = options.MaxLifetime ?? TimeSpan.FromSeconds(deployment.Configuration.LifecycleConfiguration.MaxLifetime);
        (Record, Deployment, Directory, _time) = (record, deployment, directory, time);
        Key = new SessionKey(record.RuntimeId, record.Qualifier, record.SessionId);
        Shells = new SessionShells(options.Shells, time);
        _idleSince = time.GetUtcNow();
    }

    public SessionRecord Record { get; }

    /// <summary>What it was made of, which it keeps.</summary>
    public Deployment Deployment { get; }

    public SessionKey Key { get; }

    /// <summary>What its sandbox is made of.</summary>
    public PreparedImage Image { get; set; } = PreparedImage.Host;

    /// <summary>Its state directory, which goes with it.</summary>
    public string Directory { get; }

    public SessionShells Shells { get; }

    /// <summary>Its agent, known once it has started; null when its runtime has none.</summary>
    public SessionAgent? Agent { get; set; }

    /// <summary>The first start, under way or done; fails with the reason when the sandbox could not be had.</summary>
    public Task Started { get; private set; } = Task.CompletedTask;

    /// <summary>Completes when the session begins to end.</summary>
    public Task Stopping => _stopping.Task;

    /// <summary>Completes when nothing of the session is left.</summary>
    public Task Ended => _ended.Task;

    public SessionState State
    {
        get
        {
            lock (_lock)
                return _state;
        }
    }

    /// <summary>Begins the start; once.</summary>
    public void Start(Func<Task<Sandbox>> start) => Started = _usable = _work = StartAsync(start);

    /// <summary>Goes on with a sandbox that an earlier server started.</summary>
    public void Adopt(Sandbox sandbox)
    {
        lock (_lock)
            (_sandbox, Isolation, Accelerator, _state) = (sandbox, sandbox.Isolation, sandbox.Accelerator, SessionState.Active);
        Agent?.Begin();
    }

    /// <summary>Opens a new lane of the guest link; after <see cref="ReadyAsync"/>.</summary>
    /// <exception cref="IOException">The sandbox has just ended.</exception>
    /// <exception cref="SandboxException">Likewise, or it has just been suspended.</exception>
    public ValueTask<Descriptor> OpenLaneAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_state is SessionState.Suspending && !_isSettling || _sandbox is null)
                throw new SandboxException("the session is being suspended: try again");
        }

        return _sandbox.ConnectAsync(cancellationToken);
    }

    /// <summary>
    /// Waits until it is settled whether the sandbox reaches the world, which takes some tens of milliseconds longer than its start:
    /// a command may be over by then. Bounded, because most commands need no network.
    /// </summary>
    public async Task WaitForNetworkAsync(CancellationToken cancellationToken)
    {
        try
        {
            await (_sandbox?.Egress ?? Task.CompletedTask).WaitAsync(NetworkTimeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            // The driver warns of a network that does not come up; the command finds out by itself.
        }
    }

    /// <summary>Keeps the session from being idle until the result is disposed: an attached shell, a command.</summary>
    /// <param name="isRequest">Whether it is an answer under way, which would be lost if the session was suspended. A shell is not: it is attached again.</param>
    /// <exception cref="AwsException">The session is ending.</exception>
    public IDisposable BeginActivity(bool isRequest) => TryBeginActivity(isRequest) ?? throw new AwsException(AwsError.SessionBusy());

    /// <summary>As <see cref="BeginActivity"/>; null when the session is ending.</summary>
    public IDisposable? TryBeginActivity(bool isRequest)
    {
        lock (_lock)
        {
            if (_state >= SessionState.Stopping)
                return null;
            _busy++;
            _requests += isRequest ? 1 : 0;
        }

        return new Activity(this, isRequest);
    }

    /// <summary>Why the session should end now, if it should.</summary>
    public SessionEnd? IsDue()
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            if (_state is not (SessionState.Active or SessionState.Suspended))
                return null;
            if (now - Record.StartedAt >= _maxLifetime)
                return SessionEnd.LifetimeReached;
            return _state == SessionState.Active && _busy == 0 && now - _idleSince >= _idleTimeout ? SessionEnd.Idle : null;
        }
    }

    /// <summary>Claims the end of this session.</summary>
    /// <returns>False when somebody else is ending it already.</returns>
    public bool TryBeginStop()
    {
        lock (_lock)
        {
            if (_state >= SessionState.Stopping)
                return false;
            _state = SessionState.Stopping;
        }

        _stopping.TrySetResult();
        return true;
    }

    /// <summary>Takes the shells away, ends the sandbox and removes its directory. After <see cref="TryBeginStop"/>.</summary>
    public async Task EndAsync(string reason)
    {
        foreach (var connection in Shells.Connections())
            connection.TakeAway(reason);
        Agent?.Dispose();
        try
        {
            // What is under way has to finish first: what it makes must not be left behind.
            await _work.ContinueWith(static _ => { }, TaskScheduler.Default);
            if (_sandbox is not null)
                await _sandbox.KillAsync();
            else if (SandboxDriver.IsSuspended(Directory))
                await _driver.DiscardAsync(Directory);
        }
        finally
        {
            lock (_lock)
                _state = SessionState.Ended;
            FailWaiting(new SandboxException("the session has ended"));
            _ended.TrySetResult();
        }
    }

    /// <summary>What stands between it and the host; null while it starts.</summary>
    public Isolation? Isolation { get; private set; }

    /// <summary>What runs its instructions when it is a microVM, "kvm" or "tcg"; else null.</summary>
    public string? Accelerator { get; private set; }

    /// <summary>What it runs in; null while it does not.</summary>
    public Sandbox? Sandbox
    {
        get
        {
            lock (_lock)
                return _sandbox;
        }
    }

    private async Task StartAsync(Func<Task<Sandbox>> start)
    {
        // Off the request's thread: the 101 must not wait for a sandbox.
        await Task.Yield();
        var sandbox = await start();
        lock (_lock)
        {
            (_sandbox, Isolation, Accelerator) = (sandbox, sandbox.Isolation, sandbox.Accelerator);
            if (_state == SessionState.Starting)
                _state = SessionState.Active;
            _idleSince = _time.GetUtcNow();
        }

        Agent?.Begin();
    }

    private void EndActivity(bool isRequest)
    {
        lock (_lock)
        {
            _requests -= isRequest ? 1 : 0;
            if (--_busy == 0)
                _idleSince = _time.GetUtcNow();
        }
    }

    private sealed class Activity(Session session, bool isRequest) : IDisposable
    {
        private Session? _session = session;

        public void Dispose() => Interlocked.Exchange(ref _session, null)?.EndActivity(isRequest);
    }
}

/// <summary>Where a session is in its life.</summary>
internal enum SessionState
{
    /// <summary>Its sandbox is being made.</summary>
    Starting,

    /// <summary>It can be used.</summary>
    Active,

    /// <summary>It is being written to the disk.</summary>
    Suspending,

    /// <summary>It lies on the disk; its next use resumes it.</summary>
    Suspended,

    /// <summary>It is being read from the disk.</summary>
    Resuming,

    /// <summary>It is being ended.</summary>
    Stopping,

    /// <summary>Nothing of it is left.</summary>
    Ended,
}
