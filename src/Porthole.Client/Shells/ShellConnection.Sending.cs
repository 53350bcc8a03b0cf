using System.Buffers;
using System.Numerics;
using Porthole.Protocol.Shells;

namespace Porthole.Client;

// The senders' side. Whoever has something to send sends it himself when nobody is sending, so that a keystroke costs no thread switch;
// else it joins what the one who is sending will send next.
public sealed partial class ShellConnection
{
    // The channel byte and 65,535 bytes: the largest message that every server takes.
    private const int MaxFrameBytes = 64 * 1024;

    private static readonly byte[] HeartbeatFrame = [ShellFrameChannel.Heartbeat];
    private static readonly byte[] CloseFrame = [ShellFrameChannel.Close];

    private readonly InputBuffer _input = new();
    private readonly SemaphoreSlim _senders = new(1);
    private FramePacer _pacer;
    private byte[] _frame = new byte[512];

    private ShellSocket? _sendTarget;
    private bool _flushing;
    private TaskCompletionSource? _flushed;
    private TaskCompletionSource? _roomMade;

    private TerminalSize? _size;
    private bool _resizeWanted;
    private bool _heartbeatWanted;
    private long? _heartbeatPosition;
    private bool _closeWanted;
    private bool _closeSent;
    private bool _leaving;

    /// <summary>
    /// Sends input. While disconnected it is queued; when the queue is full (256 KB on the way) this waits until the shell has taken some,
    /// which needs somebody who reads. The bytes of one call stay together.
    /// </summary>
    /// <param name="input">Raw bytes for the terminal.</param>
    /// <param name="cancellation">Gives the wait up; a part may have been sent.</param>
    /// <exception cref="ShellEndedException">The shell takes no more input.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> input, CancellationToken cancellation = default)
    {
        // The usual case needs no state machine: nobody else sends, and there is room.
        if (!_senders.Wait(0, cancellation)) return SendInTurnAsync(input, cancellation);
        int queued;
        try
        {
            queued = Queue(input.Span);
        }
        catch (ShellEndedException)
        {
            _senders.Release();
            throw;
        }

        if (queued < input.Length) return SendRestAsync(input[queued..], cancellation);
        _senders.Release();
        FlushIfIdle();
        return ValueTask.CompletedTask;
    }

    /// <summary>Tells the shell the terminal's size; the last one is told again after every reconnect.</summary>
    /// <param name="size">Columns and rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not within 1 to 1000.</exception>
    public void Resize(TerminalSize size)
    {
        if (!size.IsValid) throw new ArgumentOutOfRangeException(nameof(size), size, $"columns and rows go from 1 to {TerminalSize.Max}");
        lock (_gate)
        {
            _size = size;
            _resizeWanted = true;
        }

        FlushIfIdle();
    }

    /// <summary>Sends a HEARTBEAT, which counts as activity on the connection. The echo is taken care of.</summary>
    public void Heartbeat()
    {
        lock (_gate)
            _heartbeatWanted = true;
        FlushIfIdle();
    }

    private async ValueTask SendInTurnAsync(ReadOnlyMemory<byte> input, CancellationToken cancellation)
    {
        await _senders.WaitAsync(cancellation).ConfigureAwait(false);
        await SendRestAsync(input, cancellation).ConfigureAwait(false);
    }

    // The caller has the senders' turn; it ends here.
    private async ValueTask SendRestAsync(ReadOnlyMemory<byte> input, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                FlushIfIdle();
                input = input[Queue(input.Span)..];
                FlushIfIdle();
                if (input.IsEmpty) return;
                await RoomAsync().WaitAsync(cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            _senders.Release();
        }
    }

    private int Queue(ReadOnlySpan<byte> input)
    {
        lock (_gate)
            return End is { } end ? throw new ShellEndedException(end) : _input.Append(input);
    }

    private Task RoomAsync()
    {
        lock (_gate)
        {
            if (_input.Room > 0 || End is not null) return Task.CompletedTask;
            _roomMade ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _roomMade.Task;
        }
    }

    // Called with the gate held.
    private void AnnounceRoom()
    {
        if (_input.Room == 0 && End is null) return;
        _roomMade?.TrySetResult();
        _roomMade = null;
    }

    /// <summary>A new connection stands: settles what became of the input, and sends what waits.</summary>
    /// <returns>False when this client has left meanwhile.</returns>
    private bool TryInstall(ShellSocket socket, Action<InputBuffer> settle)
    {
        lock (_gate)
        {
            if (End is not null) return false;
            settle(_input);
            _pacer = new FramePacer(_time);
            _heartbeatPosition = null;

            // A CLOSE may have been lost with the old connection. If it was not, this is a new shell that nobody asked for.
            _closeSent = false;
            _resizeWanted = _size is not null;
            _sendTarget = socket;
            AnnounceRoom();
        }

        FlushIfIdle();
        return true;
    }

    private void StopSending()
    {
        lock (_gate)
        {
            _sendTarget = null;
            _heartbeatPosition = null;
        }
    }

    private void Acknowledged()
    {
        lock (_gate)
        {
            if (_heartbeatPosition is not { } position) return;
            _heartbeatPosition = null;
            _input.Acknowledge(position);
            _heartbeatWanted |= _input.WantsAcknowledgement;
            AnnounceRoom();
        }

        FlushIfIdle();
    }

    private void FlushIfIdle()
    {
        lock (_gate)
        {
            if (_flushing || !HasSomethingToSend) return;
            _flushing = true;
        }

        _ = FlushAsync();
    }

    private async Task FlushAsync()
    {
        while (true)
        {
            ShellSocket socket;
            ReadOnlyMemory<byte> frame = default;
            TimeSpan wait;
            lock (_gate)
            {
                if (!HasSomethingToSend)
                {
                    _flushing = false;
                    _flushed?.TrySetResult();
                    _flushed = null;
                    return;
                }

                socket = _sendTarget!;
                wait = _pacer.Take();
                if (wait == TimeSpan.Zero) frame = NextFrame();
            }

            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, _time, _lifetime.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else if (!await socket.TrySendAsync(frame).ConfigureAwait(false))
                GiveUp(socket);
        }
    }

    // Only the sending half is known to be broken. The reader may still find a close code that says why.
    private void GiveUp(ShellSocket socket)
    {
        lock (_gate)
        {
            if (_sendTarget == socket) _sendTarget = null;
        }
    }

    private bool HasSomethingToSend => _sendTarget is not null && !_lifetime.IsCancellationRequested
        && (_resizeWanted || _input.Unwritten > 0 || (_heartbeatWanted && _heartbeatPosition is null) || (_closeWanted && !_closeSent));

    // The size first, so that what is typed meets it. At most one HEARTBEAT is under way, so that its echo says which input arrived.
    private ReadOnlyMemory<byte> NextFrame()
    {
        if (_resizeWanted)
        {
            _resizeWanted = false;
            return ResizeFrame(_size!.Value);
        }

        if (_heartbeatWanted && _heartbeatPosition is null)
        {
            _heartbeatWanted = false;
            _heartbeatPosition = _input.Written;
            return HeartbeatFrame;
        }

        if (_input.Unwritten > 0) return StdinFrame();
        _closeSent = true;
        return CloseFrame;
    }

    private ReadOnlyMemory<byte> StdinFrame()
    {
        var length = 1 + Math.Min(_input.Unwritten, MaxFrameBytes - 1);
        if (_frame.Length < length) _frame = new byte[BitOperations.RoundUpToPowerOf2((uint)length)];
        _frame[0] = ShellFrameChannel.Stdin;
        _input.Take(_frame.AsSpan(1, length - 1));
        _heartbeatWanted |= _input.WantsAcknowledgement;
        AnnounceRoom();
        return _frame.AsMemory(0, length);
    }

    private static ReadOnlyMemory<byte> ResizeFrame(TerminalSize size)
    {
        var frame = new ArrayBufferWriter<byte>(64);
        frame.Write([ShellFrameChannel.Resize]);
        size.WriteTo(frame);
        return frame.WrittenMemory;
    }

    private Task FlushedAsync()
    {
        lock (_gate)
        {
            if (!_flushing) return Task.CompletedTask;
            _flushed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _flushed.Task;
        }
    }
}
