using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Protocol.WebSockets;
using Porthole.Server.Store;
using Porthole.Server.Transport;

namespace Porthole.Server.Shells;

/// <summary>
/// One client attached to one shell: relays between its WebSocket and the shell's lane of the guest link.
/// This is the server's part of the keystroke path.
/// </summary>
/// <remarks>
/// It lives on one relay loop at a time and is only touched there; other threads use the members that say so, which post to that loop.
/// The partial files are its concerns: Client (what the client sends), Guest (what the guest sends), Output (towards the client),
/// Lifetime (timers, closing, moving between loops).
/// </remarks>
internal sealed partial class ShellConnection : IPollable
{
    /// <summary>Close code of RFC 6455 for "no close frame was received".</summary>
    public const int Dropped = 1006;

    /// <summary>The lane carries one shell only, so any number will do.</summary>
    private const uint Stream = 1;

    private readonly TlsSession? _tls;
    private readonly RelayLoops _loops;
    private readonly ShellLimits _limits;
    private readonly ILogger _log;
    private readonly LinkWriter _link = new();
    private readonly SocketWriter _client;
    private readonly SocketWriter _lane = new();
    private readonly TaskCompletionSource<bool> _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ShellConnectionEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RelayLoop _loop;
    private volatile Phase _phase = Phase.Provisioning;
    private Descriptor? _laneSocket;
    private ShellCursor? _cursor;

    /// <summary>Makes the connection; it reads nothing before <see cref="Start"/>.</summary>
    /// <param name="clientFd">The client's TCP socket after the 101, non-blocking; stays the caller's, who must keep it open until <see cref="Ended"/>.</param>
    /// <param name="tls">The TLS that it speaks; null when it speaks plainly.</param>
    /// <param name="shellId">Name of the shell.</param>
    /// <param name="limits">The limits to keep.</param>
    /// <param name="loops">Where it may run.</param>
    /// <param name="log">For what goes wrong.</param>
    public ShellConnection(int clientFd, TlsSession? tls, string shellId, ShellLimits limits, RelayLoops loops, ILogger log)
    {
        (_tls, _limits, _loops, _log, ShellId) = (tls, limits, loops, log, shellId);
        _loop = loops.Calm;
        _client = new SocketWriter { Fd = clientFd };
        _decoder = new WebSocketServerDecoder(limits.MaxFrameBytesReceived);
        _rate = new RateLimit(limits.MaxFramesPerWindow, limits.FrameRateWindow);
        _startedAt = _lastHeardAt = Stopwatch.GetTimestamp();
    }

    private enum Phase
    {
        /// <summary>The session is being started; the client may type already.</summary>
        Provisioning,

        /// <summary>The guest was asked for the shell.</summary>
        Attaching,

        /// <summary>Bytes flow.</summary>
        Open,

        /// <summary>Our close frame is written; the client's is awaited.</summary>
        Closing,

        /// <summary>Nothing is touched any more.</summary>
        Over,
    }

    public string ShellId { get; }

    /// <summary>Bytes typed so far. Any thread may ask.</summary>
    public long BytesIn => Volatile.Read(ref _bytesIn);

    /// <summary>Bytes printed so far that were handed to the client's socket. Any thread may ask.</summary>
    public long BytesOut => Volatile.Read(ref _bytesOut);

    /// <summary>Whether the client is still there to be served. Any thread may ask.</summary>
    public bool IsWaiting => _phase == Phase.Provisioning;

    /// <summary>True once the confirmation was written to the client, false when it ended before.</summary>
    public Task<bool> Confirmed => _confirmed.Task;

    /// <summary>Completes when the shell is detached and its cursor is final, though the client may still be told so.</summary>
    public Task Left => _left.Task;

    /// <summary>Completes when nothing touches the client's socket any more.</summary>
    public Task<ShellConnectionEnd> Ended => _ended.Task;

    /// <summary>Begins to serve the client. Any thread.</summary>
    /// <param name="early">Bytes that came behind the client's upgrade request.</param>
    public void Start(byte[] early) => Post(() =>
    {
        LimitSendBuffer();
        _loop.Events.Add(_client.Fd, PollEvents.Readable, this);
        ArmTimers();
        if (early.Length > 0)
            Guarded(() => ProcessClientBytes(early));
    });

    /// <summary>Attaches to the shell over a fresh lane. Any thread; harmless when the client has left meanwhile.</summary>
    /// <param name="lane">A connection to the guest; owned from here on.</param>
    /// <param name="cursor">The shell's delivery cursor; owned from here on.</param>
    /// <param name="program">What to run when the shell does not exist; null to fail instead.</param>
    public void Attach(Descriptor lane, ShellCursor cursor, ProgramSpec? program) => Post(() =>
    {
        if (_phase != Phase.Provisioning)
        {
            // Nobody waits any more: a shell made now would be an orphan (contract section 4.2).
            lane.Dispose();
            cursor.Dispose();
            return;
        }

        Guarded(() => BeginAttach(lane, cursor, program));
    });

    /// <summary>Says that no shell can be had: STATUS with the reason, then 1011. Any thread.</summary>
    public void Fail(string message) => Post(() => Guarded(() => FailNow(message)));

    /// <summary>Closes with a code and a reason, leaving the shell running. Any thread.</summary>
    public void Close(int code, string reason, ConnectionEnd end) => Post(() => Guarded(() => CloseNow(code, reason, end)));

    /// <summary>Says that the platform takes the shell away (frame 0xFF, then 1000; contract section 4.3). Any thread.</summary>
    public void TakeAway(string reason) => Post(() => Guarded(() => TakeAwayNow(reason)));

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        try
        {
            if (fd == _client.Fd)
                OnClientReady(ready);
            else
                OnLaneReady(ready);
            UpdateInterest();
        }
        catch (Exception e)
        {
            Recover(e);
        }
    }

    // For work that comes from timers and other threads; OnReady has its own copy because a closure per keystroke would be garbage.
    private void Guarded(Action work)
    {
        try
        {
            if (_phase != Phase.Over)
                work();
            UpdateInterest();
        }
        catch (Exception e)
        {
            Recover(e);
        }
    }

    // An exception that left a loop's handler would end the process, and with it every other connection.
    private void Recover(Exception exception)
    {
        switch (exception)
        {
            case WebSocketProtocolException broken:
                _clientBrokeProtocol = true;
                CloseNow(broken.CloseCode, broken.Message, broken.CloseCode == WebSocketProtocolException.TooBig ? ConnectionEnd.LimitReached : ConnectionEnd.ProtocolError);
                break;
            case LinkProtocolException broken:
                ShellLog.GuestBrokeProtocol(_log, ShellId, broken.Message);
                FailNow("the sandbox's guest program broke the protocol: " + broken.Message);
                break;
            default:
                ShellLog.RelayFailed(_log, ShellId, exception);
                End(Dropped, "internal error", ConnectionEnd.PlatformError);
                break;
        }

        UpdateInterest();
    }

    private void Post(Action work)
    {
        var loop = _loop;
        loop.Events.Post(() =>
        {
            // It may have moved to another loop since.
            if (_loop == loop)
                work();
            else
                Post(work);
        });
    }

    private void UpdateInterest()
    {
        // What has just moved to another loop is that loop's to watch.
        if (_phase == Phase.Over || !_loop.Events.IsCurrent)
            return;
        var readsClient = _typed.Count < MaxTypedBacklogBytes;
        if (!_clientLeftEarly)
            _loop.Events.Modify(_client.Fd, (readsClient ? PollEvents.Readable : PollEvents.None) | WritableIf(_client.PendingBytes > 0));
        if (_laneSocket is null)
            return;
        var readsLane = _phase == Phase.Attaching || (_phase == Phase.Open && !_holding && _client.PendingBytes == 0);
        if (!_laneHungUp)
            _loop.Events.Modify(_lane.Fd, (readsLane ? PollEvents.Readable : PollEvents.None) | WritableIf(_lane.PendingBytes > 0));
        else if (readsLane)
            Post(() => Guarded(ReceiveLastWords));
    }

    private static PollEvents WritableIf(bool wanted) => wanted ? PollEvents.Writable : PollEvents.None;
}
