using System.Diagnostics;
using Porthole.Posix;
using Porthole.Protocol.Shells;
using Porthole.Protocol.WebSockets;
using Porthole.Server.Store;

namespace Porthole.Server.Shells;

// Timers, closing, and moving between loops.
internal sealed partial class ShellConnection
{
    // How long the client may take to answer our close frame, and to read what is queued in front of it.
    private static readonly TimeSpan CloseDeadline = TimeSpan.FromSeconds(5);

    // A client's kernel may hold its acknowledgement back this long (RFC 1122 allows more, none in use does) to save a packet.
    private static readonly TimeSpan AcknowledgementDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AcknowledgementLook = TimeSpan.FromMilliseconds(10);

    // How often a connection on a hot loop is asked whether its flood is over.
    private static readonly TimeSpan CalmLook = TimeSpan.FromSeconds(1);

    private readonly long _startedAt;
    private LoopTimer? _pingTimer;
    private LoopTimer? _lifetimeTimer;
    private LoopTimer? _holdTimer;
    private LoopTimer? _stallTimer;
    private LoopTimer? _partialTimer;
    private LoopTimer? _closeTimer;
    private LoopTimer? _calmTimer;
    private LoopTimer? _attachTimer;
    private LoopTimer? _settleTimer;
    private LoopTimer? _deliveryTimer;
    private bool _shellIsGone;
    private int _closeCode = Dropped;
    private string _closeReason = "";
    private ConnectionEnd _closeEnd = ConnectionEnd.Dropped;
    private FloodMeter _flood;

    private void ArmTimers()
    {
        _pingTimer = _loop.Events.Schedule(_limits.PingInterval, () => Guarded(OnPingDue));
        var left = _limits.ConnectionLifetime - Stopwatch.GetElapsedTime(_startedAt);
        _lifetimeTimer = _loop.Events.Schedule(left, () => Guarded(() =>
            CloseNow(ShellCloseCode.LimitReached, $"a connection lives for {_limits.ConnectionLifetime.TotalSeconds:0.#} s; the shell goes on: connect again", ConnectionEnd.LimitReached)));
    }

    private void CancelTimers()
    {
        foreach (var timer in (ReadOnlySpan<LoopTimer?>)[_pingTimer, _lifetimeTimer, _holdTimer, _stallTimer, _partialTimer, _closeTimer, _calmTimer, _attachTimer, _settleTimer, _deliveryTimer])
            timer?.Cancel();
        (_pingTimer, _lifetimeTimer, _holdTimer, _stallTimer, _partialTimer, _closeTimer, _calmTimer, _attachTimer, _settleTimer, _deliveryTimer) =
            (null, null, null, null, null, null, null, null, null, null);
    }

    private void OnPingDue()
    {
        if (Stopwatch.GetElapsedTime(_lastHeardAt) >= _limits.DeadAfter)
        {
            OnClientGone($"nothing heard for {_limits.DeadAfter.TotalSeconds:0} s");
            return;
        }

        _pingTimer = _loop.Events.Schedule(_limits.PingInterval, () => Guarded(OnPingDue));

        // Behind output that the client does not take, a ping would only wait as well.
        if (_phase != Phase.Closing && _client.PendingBytes == 0)
            WriteControl(WebSocketOpcode.Ping, []);
    }

    private void OnStalled()
    {
        _stallTimer = null;
        CloseNow(ShellCloseCode.LimitReached, $"the client took no output for {_limits.WriteStall.TotalSeconds:0.#} s; the shell goes on: connect again", ConnectionEnd.LimitReached);
    }

    private void OnClientGone(string reason)
    {
        if (_phase == Phase.Attaching)
        {
            // The answer decides whether a shell has to be discarded. The client's socket is of no more use, but must not be watched either.
            _clientLeftEarly = true;
            _closeReason = reason;
            _loop.Events.Remove(_client.Fd);
            _confirmed.TrySetResult(false);
            return;
        }

        if (_phase == Phase.Closing)
            EndClosed();
        else
            End(Dropped, reason, ConnectionEnd.Dropped);
    }

    private void OnClientClose(int code)
    {
        if (_phase == Phase.Closing)
        {
            // An answer to our close frame: the client has read everything in front of it.
            if (code == _closeCode)
                Settle(_outputOffset);
            EndClosed();
            return;
        }

        // Always with a code: one official client takes a close without one for a reason to reconnect, another for the end.
        const int none = 1005;
        var answer = code == none ? ShellCloseCode.Ended : code;
        const string reason = "the client closed the connection";
        if (!WriteClient(WebSocketFrame.Close(answer, "")) || _phase == Phase.Over)
            return;
        if (_phase == Phase.Attaching)
        {
            OnClientGone(reason);
            return;
        }

        _phase = Phase.Closing;
        _confirmed.TrySetResult(false);
        (_closeCode, _closeReason, _closeEnd) = (code, reason, ConnectionEnd.Detached);
        LeaveLane();
        AwaitCloseAnswer();
        EndOnceDelivered();
    }

    // The client reads on up to our close frame, and many leave it to the server to end the connection after that.
    private void EndOnceDelivered()
    {
        if (_client.PendingBytes == 0 && Delivered() == _outputOffset)
            EndClosed();
        else
            _deliveryTimer = _loop.Events.Schedule(AcknowledgementLook, () => Guarded(EndOnceDelivered));
    }

    private void FailNow(string message)
    {
        if (_phase >= Phase.Closing)
            return;
        WriteStatus(new ShellStatus.PlatformError(message));
        CloseNow(ShellCloseCode.InternalError, message, ConnectionEnd.PlatformError);
    }

    private void TakeAwayNow(string reason)
    {
        if (_phase >= Phase.Closing)
            return;
        _shellIsGone = true;
        WriteFrame(ShellFrameChannel.Close, []);
        CloseNow(ShellCloseCode.Ended, reason, ConnectionEnd.SessionEnded);
    }

    private void CloseNow(int code, string reason, ConnectionEnd end)
    {
        if (_phase >= Phase.Closing)
        {
            if (end == ConnectionEnd.TakenOver)
                SettleSoon(Stopwatch.GetTimestamp());
            return;
        }

        if (_clientLeftEarly)
        {
            End(code, reason, end);
            return;
        }

        _phase = Phase.Closing;
        _confirmed.TrySetResult(false);
        (_closeCode, _closeReason, _closeEnd) = (code, reason, end);
        LeaveLane();
        WriteClient(WebSocketFrame.Close(code, reason));
        if (_phase != Phase.Closing)
            return;
        AwaitCloseAnswer();
        if (_shellIsGone || !_isFollowing)
            Settle(0);
        else if (end == ConnectionEnd.TakenOver)
            SettleSoon(Stopwatch.GetTimestamp());
    }

    // A slow client may take its time to read what is queued, its exit status at the end, as long as it reads at all.
    private void AwaitCloseAnswer()
    {
        var pending = _client.PendingBytes;
        _closeTimer = _loop.Events.Schedule(CloseDeadline, () => Guarded(() =>
        {
            if (_client.PendingBytes < pending)
                AwaitCloseAnswer();
            else
                EndClosed();
        }));
    }

    // Closing the lane is what detaches: the guest keeps the shell, which goes on.
    private void LeaveLane()
    {
        if (_laneSocket is null)
            return;
        if (!_laneHungUp)
            _loop.Events.Remove(_lane.Fd);
        _lane.Clear();
        _laneSocket.Dispose();
        _laneSocket = null;
        _lane.Fd = -1;
        _carried.Clear();
        _message.Clear();
        _holding = false;
    }

    // Fixes from where the next client goes on. Until the socket has ended, or its client has answered our close frame, more of what was
    // sent may still arrive; fixed too early, the next connection would show it again.
    private void Settle(long delivered)
    {
        _settleTimer?.Cancel();
        if (_isFollowing && _cursor is not null)
            _cursor.Offset = delivered;
        LeaveCursor();
        _left.TrySetResult();
    }

    // Somebody waits for the shell: a client that lives gets a moment to acknowledge, one that is dead no more than that.
    private void SettleSoon(long since)
    {
        if (_cursor is null)
            _left.TrySetResult();
        else if (Delivered() is var delivered && (delivered == _outputOffset || Stopwatch.GetElapsedTime(since) >= AcknowledgementDelay))
            Settle(delivered);
        else
            _settleTimer = _loop.Events.Schedule(AcknowledgementLook, () => Guarded(() => SettleSoon(since)));
    }

    private long Delivered()
    {
        _delivery.Refresh(_client);
        return _delivery.AcknowledgedOffset;
    }

    private void EndClosed() => End(_closeCode, _closeReason, _closeEnd);

    private void End(int code, string reason, ConnectionEnd end)
    {
        if (_phase == Phase.Over)
            return;
        LeaveLane();
        Settle(Delivered());
        _phase = Phase.Over;
        _loop.Events.Remove(_client.Fd);
        CancelTimers();
        if (_client.PendingBytes > 0)
            _tls?.LeaveGap();
        _client.Clear();
        _typed.Clear();
        _controlPayload.Clear();
        _confirmed.TrySetResult(false);
        _ended.TrySetResult(new ShellConnectionEnd(end, code, reason, _bytesIn, _bytesOut, _shellIsGone));
    }

    private void MeasureFlood(int bytes)
    {
        if (!_flood.Count(bytes, Stopwatch.GetTimestamp()))
            return;
        var from = _loop;
        if (_flood.IsFlooding && from == _loops.Calm)
            from.Events.Post(() => Guarded(() => MoveIfOn(from, _loops.NextHot())));
        else if (!_flood.IsFlooding && from != _loops.Calm)
            from.Events.Post(() => Guarded(() => MoveIfOn(from, _loops.Calm)));
    }

    // A connection that has become silent measures nothing.
    private void MeasureCalm()
    {
        MeasureFlood(0);
        _calmTimer = _loop.Events.Schedule(CalmLook, () => Guarded(MeasureCalm));
    }

    private void MoveIfOn(RelayLoop from, RelayLoop to)
    {
        // Timers belong to a loop. Those of the moment (held output, half a character) are short: let them pass first.
        if (_loop != from || !from.Events.IsCurrent || _phase != Phase.Open || _holding || _laneHungUp || _partialTimer is not null)
            return;
        var stalled = _stallTimer is not null;
        CancelTimers();
        from.Events.Remove(_client.Fd);
        from.Events.Remove(_lane.Fd);
        _loop = to;
        to.Events.Post(() => Guarded(() =>
        {
            to.Events.Add(_client.Fd, PollEvents.Readable, this);
            to.Events.Add(_lane.Fd, PollEvents.None, this);
            ArmTimers();
            if (stalled)
                _stallTimer = to.Events.Schedule(_limits.WriteStall, () => Guarded(OnStalled));
            if (to != _loops.Calm)
                _calmTimer = to.Events.Schedule(CalmLook, () => Guarded(MeasureCalm));
        }));
    }
}
