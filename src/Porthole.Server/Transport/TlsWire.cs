using System.Buffers;
using System.Threading.Tasks.Sources;
using Porthole.Server.Shells;

namespace Porthole.Server.Transport;

/// <summary>
/// What the framework's TLS takes for the network: memory. A read waits until something is fed, and goes on within that call; writes go where
/// <see cref="Records"/> says. During the handshake both are ordinary, asynchronous ones.
/// </summary>
internal sealed class TlsWire : Stream, IValueTaskSource<int>
{
    private readonly Lock _lock = new();
    private ManualResetValueTaskSourceCore<int> _waiter = new() { RunContinuationsAsynchronously = true };
    private PendingBytes _fed;
    private Memory<byte> _wanted;
    private bool _isWaiting;
    private bool _ended;

    /// <summary>Sends the handshake's messages; null when it is over.</summary>
    public Func<ReadOnlyMemory<byte>, ValueTask>? SendHandshake { private get; set; }

    /// <summary>Gets what is written.</summary>
    public ArrayBufferWriter<byte>? Records { private get; set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>From now on nothing waits and nothing changes the thread.</summary>
    public void LeaveHandshake()
    {
        SendHandshake = null;
        _waiter.RunContinuationsAsynchronously = false;
    }

    public void Feed(ReadOnlySpan<byte> received)
    {
        int count;
        lock (_lock)
        {
            _fed.Append(received);
            if (!_isWaiting)
                return;
            count = Take();
        }

        _waiter.SetResult(count);
    }

    public void FeedEnd()
    {
        lock (_lock)
        {
            _ended = true;
            if (!_isWaiting)
                return;
            _isWaiting = false;
        }

        _waiter.SetResult(0);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            _wanted = buffer;
            if (!_fed.IsEmpty)
                return ValueTask.FromResult(Take());
            if (_ended)
                return ValueTask.FromResult(0);
            _isWaiting = true;
            _waiter.Reset();
            return new ValueTask<int>(this, _waiter.Version);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (SendHandshake is { } send)
            return send(buffer);
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer) => (Records ?? throw new IOException("TLS has something to say that nobody asked for")).Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("reads are asynchronous");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => _waiter.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _waiter.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiter.OnCompleted(continuation, state, token, flags);

    // A read of nothing only asks whether there is something.
    private int Take()
    {
        var count = Math.Min(_wanted.Length, _fed.Count);
        _fed.Span[..count].CopyTo(_wanted.Span);
        _fed.Consume(count);
        (_wanted, _isWaiting) = (default, false);
        return count;
    }
}
