using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Porthole.Protocol.Link;
using Porthole.Sandboxes;
using Porthole.Server.Sessions;

namespace Porthole.Server.Agents;

/// <summary>
/// A TCP connection to a port on a session's own 127.0.0.1, over a lane of its guest link. Not more than a window of each direction is ever
/// held here, whatever the guest sends. Disposing it closes the connection.
/// </summary>
internal sealed class PortConnection : Stream
{
    // What the guest grants as well: a few frames, so that neither side waits for the other.
    private const int WindowBytes = 256 * 1024;
    private const uint LinkStream = 1;

    private readonly GuestLane _lane;
    private readonly Pipe _output = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _inputCredit;
    private long _outputAllowed = WindowBytes;
    private int _read;
    private bool _outputEnded;
    private bool _isOver;
    private Exception? _failure;

    private PortConnection(GuestLane lane, uint inputCredit) => (_lane, _inputCredit) = (lane, inputCredit);

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Connects.</summary>
    /// <exception cref="IOException">Nobody listens there, or the session has ended, or its guest is too old.</exception>
    public static async Task<PortConnection> OpenAsync(Session session, int port, CancellationToken cancellationToken)
    {
        try
        {
            var lane = await GuestLane.OpenAsync(session, cancellationToken);
            try
            {
                lane.Demand(LinkHello.AgentVersion);
                await lane.SendAsync(new ConnectPort((ushort)port, WindowBytes).Write(new LinkWriter(), LinkStream).ToArray(), cancellationToken);
                var connection = new PortConnection(lane, await ConnectedAsync(lane, cancellationToken));
                _ = connection.ReceiveAsync();
                return connection;
            }
            catch
            {
                await lane.DisposeAsync();
                throw;
            }
        }
        catch (Exception e) when (e is LinkProtocolException or SandboxException or SocketException)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await _output.Reader.ReadAsync(cancellationToken);
        if (result.Buffer.IsEmpty && _failure is { } failure)
            throw new IOException(failure.Message, failure);
        var count = (int)Math.Min(result.Buffer.Length, buffer.Length);
        var taken = result.Buffer.Slice(0, count);
        taken.CopyTo(buffer.Span);
        _output.Reader.AdvanceTo(taken.End);
        _read += count;
        if (_read >= WindowBytes / 2)
            await GrantOutputAsync(cancellationToken);
        return count;
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        const int frameBytes = LinkFrame.HeaderBytes + 64 * 1024;
        var frame = ArrayPool<byte>.Shared.Rent(frameBytes);
        try
        {
            while (!buffer.IsEmpty)
            {
                var count = await TakeCreditAsync(Math.Min(buffer.Length, frameBytes - LinkFrame.HeaderBytes), cancellationToken);
                new LinkFrame(count, LinkFrameType.Input, LinkStream).WriteTo(frame);
                buffer.Span[..count].CopyTo(frame.AsSpan(LinkFrame.HeaderBytes));
                buffer = buffer[count..];
                await SendAsync(frame.AsMemory(0, LinkFrame.HeaderBytes + count), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("reads are asynchronous");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("writes are asynchronous");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The receiving side owns the lane and lets go of it then.
        if (disposing)
            _closing.Cancel();
        base.Dispose(disposing);
    }

    private static async Task<uint> ConnectedAsync(GuestLane lane, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (frame, payload) = await lane.ReceiveAsync(cancellationToken);
            if (frame is { Stream: LinkStream, Type: LinkFrameType.PortConnected })
                return PortConnected.Read(payload.Span).InputCredit;
            if (frame is { Stream: LinkStream, Type: LinkFrameType.Failed })
                throw new IOException(LinkFailure.Read(payload.Span).Message);
        }
    }

    // Runs until the connection is over; the one place that reads from the lane and closes it.
    private async Task ReceiveAsync()
    {
        try
        {
            while (await ReceiveOneAsync())
            {
            }
        }
        catch (Exception e) when (e is IOException or LinkProtocolException or SocketException or OperationCanceledException)
        {
            // For the reader, behind what it has not read yet: the pipe itself would forget that.
            _failure = e;
        }

        await _output.Writer.CompleteAsync();
        lock (_lock)
        {
            _isOver = true;
            _granted.TrySetResult();
        }

        await _lane.DisposeAsync();
    }

    // False at the end of both directions.
    private async ValueTask<bool> ReceiveOneAsync()
    {
        var (frame, payload) = await _lane.ReceiveAsync(_closing.Token);
        if (frame.Stream != LinkStream)
            return true;
        switch (frame.Type)
        {
            case LinkFrameType.Output:
                if (Interlocked.Add(ref _outputAllowed, -payload.Length) < 0 || _outputEnded)
                    throw new LinkProtocolException("output beyond its credit, or behind its end");
                _output.Writer.Write(payload.Span);
                await _output.Writer.FlushAsync(CancellationToken.None);
                return true;
            case LinkFrameType.EndOfOutput:
                _outputEnded = true;
                await _output.Writer.CompleteAsync();
                return true;
            case LinkFrameType.Credit:
                Grant(LinkSmallFrames.ReadCredit(payload.Span));
                return true;
            case LinkFrameType.Failed:
                throw new IOException(LinkFailure.Read(payload.Span).Message);
            case LinkFrameType.Closed:
                return false;
            default:
                return true;
        }
    }

    private async ValueTask GrantOutputAsync(CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _outputAllowed, _read);
        var credit = LinkSmallFrames.WriteCredit(new LinkWriter(), LinkStream, (uint)_read).ToArray();
        _read = 0;
        try
        {
            await SendAsync(credit, cancellationToken);
        }
        catch (IOException)
        {
            // The connection is over; the reader learns that behind what it has not read yet.
        }
    }

    private void Grant(uint bytes)
    {
        lock (_lock)
        {
            _inputCredit += bytes;
            _granted.TrySetResult();
        }
    }

    private async ValueTask<int> TakeCreditAsync(int wanted, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task granted;
            lock (_lock)
            {
                if (_isOver)
                    throw new IOException("the connection is closed");
                if (_inputCredit > 0)
                {
                    var taken = (int)Math.Min(wanted, _inputCredit);
                    _inputCredit -= taken;
                    return taken;
                }

                if (_granted.Task.IsCompleted)
                    _granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                granted = _granted.Task;
            }

            await granted.WaitAsync(cancellationToken);
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await _lane.SendAsync(frame, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException("the connection is closed", e);
        }
        finally
        {
            _sending.Release();
        }
    }
}
