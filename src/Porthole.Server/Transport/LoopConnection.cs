using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Posix;
using Porthole.Server.Tls;

namespace Porthole.Server.Transport;

/// <summary>
/// One accepted TCP connection: while it speaks HTTP, bytes go through a pipe to Kestrel;
/// after <see cref="LeaveHttpAsync"/> the descriptor belongs to the caller until the connection is disposed.
/// </summary>
/// <remarks>The partial file Tls has what is different for a client that speaks TLS.</remarks>
internal sealed partial class LoopConnection : DefaultConnectionContext, IPollable
{
    // Kestrel's own default: how much of a request waits in memory before the sender is held back.
    private const int MaxBufferedBytes = 1024 * 1024;
    private const int ReadBytes = 4096;

    private static readonly PipeOptions InputOptions = new(
        readerScheduler: PipeScheduler.ThreadPool, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: MaxBufferedBytes, resumeWriterThreshold: MaxBufferedBytes / 2, useSynchronizationContext: false);

    private readonly EventLoop _loop;
    private readonly Descriptor _socket;
    private readonly Pipe _input = new(InputOptions);
    private readonly SendStream _output;
    private readonly CancellationTokenSource _closed = new();
    private readonly RequestHeadGate _head = new();
    private bool _watched;
    private bool _inputPaused;
    private bool _ended;

    /// <summary>Takes a connection over; nothing is read before <see cref="Start"/>.</summary>
    /// <param name="loop">The loop that serves it.</param>
    /// <param name="socket">Its socket, non-blocking.</param>
    /// <param name="certificate">What to show the client; null when it speaks plain HTTP.</param>
    public LoopConnection(EventLoop loop, Descriptor socket, ServerCertificate? certificate)
    {
        (_loop, _socket, _certificate) = (loop, socket, certificate);
        Tls = certificate is null ? null : new TlsSession();
        _output = new SendStream(this);
        Transport = new Ends(_input.Reader, PipeWriter.Create(_output, new StreamPipeWriterOptions(leaveOpen: true)));
        ConnectionClosed = _closed.Token;
        ReadEndPoints();
        Features.Set(this);

        // By this Kestrel knows that the requests' scheme is https.
        if (Tls is not null)
            Features.Set<ITlsConnectionFeature>(new Encrypted());
    }

    /// <summary>The TLS that the client speaks; null for one that speaks plainly.</summary>
    public TlsSession? Tls { get; }

    /// <summary>The TCP socket, non-blocking.</summary>
    public int Fd => _socket.Number;

    public void Start() => _loop.Post(() =>
    {
        if (_socket.IsClosed)
            return;
        _watched = true;
        _loop.Add(Fd, PollEvents.Readable, this);
        if (Tls is not null)
            BeginHandshake(Tls);
    });

    /// <summary>Takes the descriptor away from HTTP. Whatever the client has sent behind its request comes back as bytes.</summary>
    public async Task<byte[]> LeaveHttpAsync()
    {
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(() =>
        {
            Unwatch();
            left.TrySetResult();
        });
        await left.Task;
        try
        {
            if (!_input.Reader.TryRead(out var early))
                return [];
            var bytes = System.Buffers.BuffersExtensions.ToArray(early.Buffer);
            _input.Reader.AdvanceTo(early.Buffer.End);
            return bytes;
        }
        catch (ConnectionResetException)
        {
            // The client has left already, which the new owner of the descriptor learns at its first read.
            return [];
        }
    }

    public void OnReady(int fd, PollEvents ready)
    {
        if ((ready & PollEvents.Writable) != 0)
            _output.OnWritable();
        if (_inputPaused && (ready & (PollEvents.HangUp | PollEvents.Error)) != 0)
            EndInput(new ConnectionResetException("the peer reset the connection")); // epoll would tell again and again until the input goes on.
        else if ((ready & ~PollEvents.Writable) != 0)
            Receive();
        UpdateInterest();
    }

    public override void Abort(ConnectionAbortedException abortReason) => _loop.Post(() => EndInput(abortReason));

    public override async ValueTask DisposeAsync()
    {
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(() =>
        {
            EndInput(null);
            SayGoodbye();
            _socket.Dispose();
            released.TrySetResult();
        });
        await released.Task;
        await base.DisposeAsync();
    }

    internal void WatchForWriting() => _loop.Post(UpdateInterest);

    private void Receive()
    {
        if (_inputPaused || !_watched)
            return;
        if (Tls is not null)
        {
            ReceiveSealed(Tls);
            return;
        }

        var memory = _input.Writer.GetMemory(ReadBytes);
        if (!TryReceive(memory.Span, out var count))
            return;
        _head.Pass(_input.Writer, memory.Span[..count]);
        FlushInput();
    }

    // False when there is nothing, or no more.
    private unsafe bool TryReceive(Span<byte> bytes, out int count)
    {
        fixed (byte* buffer = bytes)
            count = (int)Libc.Recv(Fd, buffer, (nuint)bytes.Length, Libc.MSG_DONTWAIT);
        if (count > 0)
            return true;
        if (count == 0 || Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
            EndInput(count == 0 ? null : new ConnectionResetException("the peer reset the connection"));
        return false;
    }

    private void FlushInput()
    {
        var flushed = _input.Writer.FlushAsync();
        if (!flushed.IsCompleted)
            PauseInput(flushed);
    }

    private void PauseInput(ValueTask<FlushResult> flush)
    {
        _inputPaused = true;
        flush.GetAwaiter().OnCompleted(() => _loop.Post(() =>
        {
            _inputPaused = false;
            UpdateInterest();
        }));
    }

    private void UpdateInterest()
    {
        if (_watched)
            _loop.Modify(Fd, (_inputPaused ? PollEvents.None : PollEvents.Readable) | (_output.IsWaiting ? PollEvents.Writable : PollEvents.None));
    }

    private void EndInput(Exception? reason)
    {
        if (_ended)
            return;
        _ended = true;
        Unwatch();
        _output.End();
        Tls?.FeedEnd();
        _input.Writer.Complete(reason);

        // Callbacks are the application's; none of them may run on the loop.
        ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), _closed, preferLocal: false);
    }

    private void Unwatch()
    {
        if (_watched)
            _loop.Remove(Fd);
        _watched = false;
    }

    private void ReadEndPoints()
    {
        // Only to ask for the addresses: it does not own the descriptor and never waits on it.
        using var view = new Socket(new SafeSocketHandle(Fd, ownsHandle: false));
        (LocalEndPoint, RemoteEndPoint) = (view.LocalEndPoint, view.RemoteEndPoint);
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
