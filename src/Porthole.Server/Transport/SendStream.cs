using Porthole.Posix;

namespace Porthole.Server.Transport;

/// <summary>The writing half of a <see cref="LoopConnection"/>: sends at once and only waits for the loop when the socket is full.</summary>
internal sealed class SendStream(LoopConnection connection) : Stream
{
    private TaskCompletionSource? _writable;
    private Exception? _failure;

    /// <summary>Whether a write waits for room in the socket.</summary>
    public bool IsWaiting => Volatile.Read(ref _writable) is not null;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The loop says that the socket has room again.</summary>
    public void OnWritable() => Interlocked.Exchange(ref _writable, null)?.TrySetResult();

    /// <summary>Fails the write under way and all later ones.</summary>
    public void Fail(Exception reason)
    {
        Volatile.Write(ref _failure, reason);
        OnWritable();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            if (Volatile.Read(ref _failure) is { } failure)
                throw new IOException("the connection is closed", failure);
            var sent = Send(buffer.Span);
            if (sent >= 0)
            {
                buffer = buffer[sent..];
                continue;
            }

            var writable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _writable, writable);
            connection.WatchForWriting();

            // A failure that came in between has looked for the waiter already.
            if (Volatile.Read(ref _failure) is not null)
                OnWritable();
            await writable.Task.WaitAsync(cancellationToken);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("writes are asynchronous");

    private unsafe int Send(ReadOnlySpan<byte> bytes)
    {
        nint sent;
        fixed (byte* buffer = bytes)
            sent = Libc.Send(connection.Fd, buffer, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
        if (sent >= 0)
            return (int)sent;
        return Errno.Last is Errno.EAGAIN or Errno.EINTR ? -1 : throw PosixException.FromLast("send");
    }
}
