using System.Security.Cryptography;
using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes.Machines;

// The port: connected, reset, read, written.
internal sealed partial class MachineLink : IPollable
{
    // Beyond this the lanes are not read: what they send waits with their senders.
    private const int EnoughWaiting = 128 * 1024;

    private readonly ByteQueue _unsent = new();
    private readonly byte[] _received = new byte[LinkFrame.MaxFrameBytes];
    private readonly byte[] _unit = new byte[MachinePort.MaxUnitBytes];
    private readonly LinkWriter _writer = new();
    private byte[] _token = [];
    private byte[] _greeting = [];
    private Descriptor? _port;
    private State _state;
    private int _receivedBytes;
    private bool _hasConnected;

    private enum State
    {
        Closed,
        Resetting,
        Greeting,
        Open,
    }

    /// <summary>Whether the port takes no more now.</summary>
    internal bool IsBlocked => _unsent.Count > EnoughWaiting;

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        if ((ready & PollEvents.Writable) != 0)
            Flush();
        if (_port is not null && (ready & ~PollEvents.Writable) != 0)
            Receive();
    }

    /// <summary>Sends a whole frame to the guest.</summary>
    internal void SendToGuest(ReadOnlySpan<byte> frame)
    {
        if (_port is null)
            return;
        MachinePort.Wrap(frame, _unit);
        Send(_unit.AsSpan(0, frame.Length + 2));
    }

    private void Begin(Descriptor port)
    {
        _port = port;
        _state = State.Resetting;
        _loop.Add(port.Number, PollEvents.Readable, this);

        // A machine that was never spoken to cannot have been cut off.
        if (_identity is null || _hasConnected)
            Send(new byte[MachinePort.PaddingBytes]);
        _hasConnected = true;
        _token = RandomNumberGenerator.GetBytes(MachinePort.TokenBytes);
        Send([MachinePort.Reset, .. _token]);
    }

    private void Close()
    {
        if (_port is null)
            return;
        _loop.Remove(_port.Number);
        _port.Dispose();
        (_port, _state, _receivedBytes) = (null, State.Closed, 0);
        _unsent.Clear();
        ForgetStreams();
    }

    private unsafe void Receive()
    {
        fixed (byte* start = _received)
        {
            var count = Libc.Recv(_port!.Number, start + _receivedBytes, (nuint)(_received.Length - _receivedBytes), Libc.MSG_DONTWAIT);
            if (count < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR)
                return;
            if (count <= 0)
            {
                Break(Ended());
                return;
            }

            _receivedBytes += (int)count;
        }

        try
        {
            HandleReceived();
        }
        catch (LinkProtocolException broken)
        {
            Break(new SandboxException($"the guest of {_directory} broke the protocol: {broken.Message}", broken));
        }
    }

    private void HandleReceived()
    {
        var start = 0;
        if (_state == State.Resetting && !TryFindToken(out start))
            return;
        while (_port is not null && _receivedBytes - start >= LinkFrame.HeaderBytes)
        {
            var frame = LinkFrame.ReadHeader(_received.AsSpan(start));
            var length = LinkFrame.HeaderBytes + frame.Length;
            if (_receivedBytes - start < length)
                break;
            Handle(frame, _received.AsSpan(start, length));
            start += length;
        }

        if (_port is null)
            return;
        _received.AsSpan(start, _receivedBytes - start).CopyTo(_received);
        _receivedBytes -= start;
    }

    // What stands before the answer was for a server that is gone.
    private bool TryFindToken(out int end)
    {
        var found = _received.AsSpan(0, _receivedBytes).IndexOf([MachinePort.Reset, .. _token]);
        end = found + 1 + MachinePort.TokenBytes;
        if (found >= 0)
        {
            BeginGreeting();
            return true;
        }

        var kept = Math.Min(_receivedBytes, MachinePort.TokenBytes);
        _received.AsSpan(_receivedBytes - kept, kept).CopyTo(_received);
        _receivedBytes = kept;
        return false;
    }

    private void BeginGreeting()
    {
        if (_listening is not null)
        {
            Close();
            _listening.SetResult();
            return;
        }

        _state = State.Greeting;
        if (_identity is not null)
            SendToGuest(_identity().Write(_writer));
        SendToGuest(new LinkHello(LinkHello.CurrentVersion).Write(_writer));
        if (_awakening is not null)
            SendToGuest(_awakening().Write(_writer));
    }

    private void HandleOwn(LinkFrameType type, Span<byte> frame)
    {
        var payload = frame[LinkFrame.HeaderBytes..];
        switch (type)
        {
            case LinkFrameType.Hello when _state == State.Greeting:
                _ = LinkHello.Read(payload);
                (_greeting, _identity, _awakening, _state) = (frame.ToArray(), null, null, State.Open);
                _waiting.ForEach(wanted => wanted.TrySetResult(OpenLane()));
                _waiting.Clear();
                break;
            case LinkFrameType.Failed:
                Break(new SandboxException($"the machine of {_directory} could not be set up: {LinkFailure.Read(payload).Message}"));
                break;
            case LinkFrameType.Closed:
                throw new LinkProtocolException("it has closed its lane");
            case LinkFrameType.ShellList or LinkFrameType.Pong:
                Answer(type, frame);
                break;
            default:
                // From a newer guest: documented to be ignored.
                break;
        }
    }

    private unsafe void Send(ReadOnlySpan<byte> bytes)
    {
        var sent = 0;
        if (_unsent.Count == 0)
        {
            fixed (byte* start = bytes)
                sent = (int)Math.Max(0, Libc.Send(_port!.Number, start, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL));
        }

        if (sent == bytes.Length)
            return;

        // Also when the machine is gone: reading says so.
        _unsent.Append(bytes[sent..]);
        _loop.Modify(_port!.Number, PollEvents.Readable | PollEvents.Writable);
    }

    private unsafe void Flush()
    {
        fixed (byte* start = _unsent.Waiting)
            _unsent.Take((int)Math.Max(0, Libc.Send(_port!.Number, start, (nuint)_unsent.Count, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL)));
        if (_unsent.Count == 0)
            _loop.Modify(_port!.Number, PollEvents.Readable);
        if (IsBlocked)
            return;
        foreach (var lane in _lanes)
            lane.Resume();
    }
}
