using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Porthole.Posix;

namespace Porthole.Server.Transport;

/// <summary>The writing half of a <see cref="LoopConnection"/>: sends at once and only waits for the loop when the socket is full.</summary>
/// <remarks>
/// What is written to a connection that has ended goes nowhere, without an error: Kestrel learns of the end from the connection itself,
/// as with the framework's own transport, and takes an exception here for a fault of the server.
/// </remarks>
internal sealed class SendStream(LoopConnection connection) : Stream
{
    private TaskCompletionSource? _writable;
    private ArrayBufferWriter<byte>? _records;
    private bool _ended;

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

    /// <summary>The connection has ended: the write under way and all later ones return at once.</summary>
    public void End()
    {
        Volatile.Write(ref _ended, true);
        OnWritable();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (connection.Tls is not { } tls)
            return SendAsync(buffer, cancellationToken);
        _records ??= new ArrayBufferWriter<byte>();
        _records.ResetWrittenCount();
        tls.Seal(buffer.Span, _records);
        return SendAsync(_records.WrittenMemory, cancellationToken);
    }

    /// <summary>Sends bytes as they are.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => SendAsync(bytes, CancellationToken.None);

    private async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty && !Volatile.Read(ref _ended))
        {
            var sent = Send(buffer.Span);
            if (sent >= 0)
            {
                buffer = buffer[sent..];
                continue;
            }

            if (Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
            {
                connection.Abort(new ConnectionAbortedException(Errno.Describe(Errno.Last)));
                return;
            }

            var writable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _writable, writable);
            connection.WatchForWriting();

            // An end that came in between has looked for the waiter already.
            if (Volatile.Read(ref _ended))
                OnWritable();
            await writable.Task.WaitAsync(cancellationToken);
        }

        if (!buffer.IsEmpty)
            connection.Tls?.LeaveGap();
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

    // Bytes sent, or -1 with the reason in Errno.Last.
    private unsafe int Send(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* buffer = bytes)
            return (int)Libc.Send(connection.Fd, buffer, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
    }
}
