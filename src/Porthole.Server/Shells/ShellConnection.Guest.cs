using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Server.Store;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Shells;

// What the guest sends. It is hostile by assumption: every length is checked before anything is kept for it.
internal sealed partial class ShellConnection
{
    // A guest answers in milliseconds; one that is out of memory or stopped by hand may take a while, but not for ever.
    private static readonly TimeSpan AttachDeadline = TimeSpan.FromSeconds(30);

    private readonly byte[] _laneHeader = new byte[LinkFrame.HeaderBytes];
    private int _laneHeaderCount;
    private LinkFrame _frame;
    private int _frameRemaining;
    private bool _inFrame;
    private PendingBytes _message;
    private PendingBytes _carried;
    private bool _greeted;
    private bool _clientLeftEarly;
    private bool _laneHungUp;

    // Whether the cursor belongs to the shell's present life: it does from the guest's answer on.
    private bool _isFollowing;

    // Output is held until the client's first frame after the confirmation, or a moment: an official client loses what comes right behind it.
    private bool _holding;
    private ShellStatus.Confirmed? _confirmAgain;
    private long _replayEnd;

    private void BeginAttach(Descriptor lane, ShellCursor cursor, ProgramSpec? program)
    {
        (_laneSocket, _cursor) = (lane, cursor);
        _lane.Fd = lane.Number;
        _phase = Phase.Attaching;
        _loop.Events.Add(_lane.Fd, PollEvents.Readable, this);
        _attachTimer = _loop.Events.Schedule(AttachDeadline, () => Guarded(OnAttachOverdue));
        var from = cursor.Incarnation == 0 ? -1 : cursor.Offset;
        WriteLane(new LinkHello(LinkHello.CurrentVersion).Write(_link));

        // A guest that has closed the lane already has ended all this, the cursor included.
        if (_phase != Phase.Attaching)
            return;
        WriteLane(new AttachShell(ShellId, from, _size, OutputWindow.SmallestBytes, (uint)_limits.RingBytes, program).Write(_link, Stream));
    }

    private void OnAttachOverdue()
    {
        if (_phase != Phase.Attaching)
            return;
        if (_clientLeftEarly)
            End(Dropped, _closeReason, ConnectionEnd.Dropped);
        else
            FailNow($"the sandbox did not answer within {AttachDeadline.TotalSeconds:0} s");
    }

    private void OnLaneReady(PollEvents ready)
    {
        if ((ready & PollEvents.Writable) != 0 && !_lane.Flush())
        {
            OnLaneLost();
            return;
        }

        if ((ready & PollEvents.Readable) != 0)
            ReceiveFromGuest();
        else if ((ready & (PollEvents.HangUp | PollEvents.Error)) != 0)
            OnLaneHangUp();
    }

    private unsafe void ReceiveFromGuest()
    {
        var buffer = _loop.FromGuest;
        nint count;
        fixed (byte* start = buffer)
            count = Libc.Recv(_lane.Fd, start + RelayLoop.HeadroomBytes, RelayLoop.ReadBytes, Libc.MSG_DONTWAIT);
        if (count < 0 && Errno.Last is (Errno.EAGAIN or Errno.EINTR))
            return;
        if (count <= 0)
        {
            OnLaneLost();
            return;
        }

        ProcessGuestBytes(buffer, RelayLoop.HeadroomBytes, (int)count);
    }

    private void ProcessGuestBytes(byte[] buffer, int at, int count)
    {
        var end = at + count;
        while (at < end && _laneSocket is not null)
        {
            if (_holding)
            {
                _carried.Append(buffer.AsSpan(at, end - at));
                return;
            }

            if (!_inFrame)
            {
                if (!TakeFrameHeader(buffer, ref at, end))
                    return;
                if (_frameRemaining > 0 && at == end)
                    return;
            }

            // Room for the channel, and for what is held back of a character.
            var taken = Math.Min(Math.Min(_frameRemaining, end - at), _limits.MaxFrameBytesSent - 1 - _partial.Length);
            _frameRemaining -= taken;
            _inFrame = _frameRemaining > 0;
            if (_frame is { Type: LinkFrameType.Output, Stream: Stream })
            {
                if (_phase != Phase.Open)
                    throw new LinkProtocolException("output before the shell was attached");
                if (taken > 0)
                    SendOutput(buffer, at, taken);
            }
            else
            {
                _message.Append(buffer.AsSpan(at, taken));
                if (!_inFrame)
                    OnGuestMessage();
            }

            at += taken;
        }
    }

    private bool TakeFrameHeader(byte[] buffer, ref int at, int end)
    {
        ReadOnlySpan<byte> header;
        if (_laneHeaderCount == 0 && end - at >= LinkFrame.HeaderBytes)
        {
            header = buffer.AsSpan(at, LinkFrame.HeaderBytes);
            at += LinkFrame.HeaderBytes;
        }
        else
        {
            var taken = Math.Min(LinkFrame.HeaderBytes - _laneHeaderCount, end - at);
            buffer.AsSpan(at, taken).CopyTo(_laneHeader.AsSpan(_laneHeaderCount));
            _laneHeaderCount += taken;
            at += taken;
            if (_laneHeaderCount < LinkFrame.HeaderBytes)
                return false;
            header = _laneHeader;
            _laneHeaderCount = 0;
        }

        _frame = LinkFrame.ReadHeader(header);
        _frameRemaining = _frame.Length;
        _inFrame = true;
        return true;
    }

    private void OnGuestMessage()
    {
        try
        {
            OnGuestMessage(_frame.Type, _message.Span);
        }
        finally
        {
            _message.Clear();
        }
    }

    private void OnGuestMessage(LinkFrameType type, ReadOnlySpan<byte> payload)
    {
        if (!_greeted)
        {
            if (type != LinkFrameType.Hello)
                throw new LinkProtocolException("the first frame is no greeting");
            _ = LinkHello.Read(payload);
            _greeted = true;
            return;
        }

        // Frames of a newer guest that we do not know, and of other streams, are no business of ours.
        if (_frame.Stream != Stream)
            return;
        switch (type)
        {
            case LinkFrameType.ShellAttached:
                if (_phase != Phase.Attaching)
                    throw new LinkProtocolException("attached twice");
                OnAttached(ShellAttached.Read(payload));
                break;
            case LinkFrameType.Credit:
                _inputCredit = (uint)Math.Min(uint.MaxValue, (ulong)_inputCredit + LinkSmallFrames.ReadCredit(payload));
                FlushTyped();
                break;
            case LinkFrameType.Exited:
                OnExited(ProcessExit.Read(payload));
                break;
            case LinkFrameType.Closed:
                CloseNow(ShellCloseCode.TakenOver, "another connection has attached to this shell", ConnectionEnd.TakenOver);
                break;
            case LinkFrameType.Failed:
                var failure = LinkFailure.Read(payload);
                _shellIsGone = true;
                FailNow(failure.Message);
                break;
        }
    }

    private void OnAttached(ShellAttached attached)
    {
        _cursor!.Follow(attached.Incarnation, attached.StartOffset);
        _isFollowing = true;
        TakeReceipts();
        _outputOffset = attached.StartOffset;
        _delivery.Reset(attached.StartOffset);
        _inputCredit = attached.InputCredit;
        _attachTimer?.Cancel();
        _attachTimer = null;
        if (_clientLeftEarly)
        {
            DiscardIfNew(attached);
            return;
        }

        _phase = Phase.Open;
        var confirmation = new ShellStatus.Confirmed(ShellId, !attached.Created, attached.Dropped, attached.InputOffset);
        WriteStatus(confirmation);
        if (_phase != Phase.Open)
        {
            DiscardIfNew(attached);
            return;
        }

        _confirmed.TrySetResult(true);
        if (attached.Dropped > 0)
        {
            Instruments.ShellDropped.Add(attached.Dropped);

            // Something was dropped, so the ring is full: the replay is exactly one ring long.
            _confirmAgain = confirmation;
            _replayEnd = attached.StartOffset + _limits.RingBytes;
        }

        _holding = true;
        _holdTimer = _loop.Events.Schedule(_limits.OutputHold, () => Guarded(ReleaseHeldOutput));

        // The guest knows the size of the moment we asked; the client may have changed it since.
        WriteLane(_size.Write(_link, Stream));
        FlushTyped();
    }

    // Nobody was told about this shell, and the next attempt comes without its name (contract section 4.2).
    private void DiscardIfNew(ShellAttached attached)
    {
        if (attached.Created && _laneSocket is not null)
        {
            _shellIsGone = true;
            WriteLane(LinkSmallFrames.WriteEmpty(_link, LinkFrameType.Hangup, Stream));
        }

        End(Dropped, "the client left before the shell was confirmed", ConnectionEnd.Dropped);
    }

    private void ReleaseHeldOutput()
    {
        if (!_holding)
            return;
        _holding = false;
        _holdTimer?.Cancel();
        _holdTimer = null;
        if (_carried.IsEmpty)
            return;

        // At most what one read brought, so it fits.
        var count = _carried.Count;
        var buffer = _loop.FromGuest;
        _carried.Span.CopyTo(buffer.AsSpan(RelayLoop.HeadroomBytes));
        _carried.Clear();
        ProcessGuestBytes(buffer, RelayLoop.HeadroomBytes, count);
    }

    // One official client reads the count of lost bytes before the replay, another only after it (contract section 4.2).
    private void ConfirmAgainAfterReplay()
    {
        if (_confirmAgain is null || _outputOffset < _replayEnd)
            return;
        var confirmation = _confirmAgain;
        _confirmAgain = null;
        WriteStatus(confirmation);
    }

    private void OnExited(ProcessExit exit)
    {
        SendPartialCharacter();
        _replayEnd = 0;
        ConfirmAgainAfterReplay();
        if (_phase != Phase.Open)
            return;
        _shellIsGone = true;
        WriteStatus(exit.Signal == 0 ? new ShellStatus.Exited(exit.Code) : ShellStatus.Exited.BySignal(exit.Signal));
        CloseNow(ShellCloseCode.Ended, $"the shell ended with exit code {exit.ShellCode}", ConnectionEnd.ShellExited);
    }

    // While output is held or the client is slow, the lane is not read; what the guest wrote before it went is still there.
    // epoll reports a hang-up whether asked or not, so the lane must not be watched meanwhile.
    private void OnLaneHangUp()
    {
        _laneHungUp = true;
        _loop.Events.Remove(_lane.Fd);
    }

    private void ReceiveLastWords()
    {
        if (_laneSocket is not null && _phase <= Phase.Open && !_holding && _client.PendingBytes == 0)
            ReceiveFromGuest();
    }

    private void OnLaneLost()
    {
        if (_clientLeftEarly)
            End(Dropped, "the client left before the shell was confirmed", ConnectionEnd.Dropped);
        else
            TakeAwayNow("the session has ended");
    }

    private void WriteLane(ReadOnlySpan<byte> frame)
    {
        if (_laneSocket is not null && !_lane.Write(frame))
            OnLaneLost();
    }
}
