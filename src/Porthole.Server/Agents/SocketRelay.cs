using System.Diagnostics;
using Porthole.Protocol.Shells;
using Porthole.Protocol.WebSockets;

namespace Porthole.Server.Agents;

/// <summary>Why a relayed WebSocket ended.</summary>
/// <param name="CloseCode">The code the server closed with; null when client and agent ended it between them.</param>
/// <param name="Reason">In words.</param>
internal sealed record SocketRelayEnd(int? CloseCode, string Reason);

/// <summary>
/// A client's WebSocket and an agent's, byte for byte: messages, fragments, pings and closes reach the other side as they are (contract
/// section 9.3). The server only follows the frames, to keep to the limits and to put in pings and a close of its own between two of them.
/// </summary>
internal sealed class SocketRelay(Stream client, Stream agent, AgentLimits limits, ShellLimits keepAlive) : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    // An agent in the middle of a frame gets this long to end it, and a client this long to answer a close.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private static readonly byte[] PingFrame = [0x89, 0];

    private readonly WebSocketFrameFollower _fromClient = new(limits.MaxSocketFrameBytes);
    private readonly WebSocketFrameFollower _fromAgent = new(int.MaxValue);
    private readonly RateLimit _rate = new(limits.MaxSocketFramesPerSecond, TimeSpan.FromSeconds(1));
    private readonly SemaphoreSlim _toClient = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _over = new();
    private long _heardAt = Stopwatch.GetTimestamp();
    private volatile bool _isBetweenFrames = true;
    private SocketRelayEnd? _end;

    /// <summary>Relays until the end.</summary>
    /// <param name="stopping">The server is about to stop.</param>
    public async Task<SocketRelayEnd> RunAsync(CancellationToken stopping)
    {
        using var lifetime = new CancellationTokenSource(limits.StreamTimeout);
        using var late = lifetime.Token.Register(() => Close(ShellCloseCode.LimitReached, "the connection has reached its longest life"));
        using var stop = stopping.Register(() => Close(ShellCloseCode.ServerRestart, "the server is restarting"));
        var fromClient = RelayClientAsync();
        var pings = PingAsync();
        await RelayAgentAsync();

        // A client that still sends would be reset at once, and lose the close frame in front of that.
        _over.CancelAfter(Grace);
        await fromClient;
        await pings;
        return _end ?? new SocketRelayEnd(null, "it was closed between them");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _toClient.Dispose();
        _closing.Dispose();
        _over.Dispose();
    }

    /// <summary>Closes it from this side. Any thread; the first reason counts, and the agent's frame that is under way may still end.</summary>
    /// <param name="code">The close code.</param>
    /// <param name="reason">The reason that the client is given.</param>
    public void Close(int code, string reason)
    {
        if (Interlocked.CompareExchange(ref _end, new SocketRelayEnd(code, reason), null) is not null)
            return;
        try
        {
            _closing.CancelAfter(_isBetweenFrames ? TimeSpan.Zero : Grace);
        }
        catch (ObjectDisposedException)
        {
            // It is over already.
        }
    }

    // To the agent; when something is to be refused, what comes is only taken in.
    private async Task RelayClientAsync()
    {
        var buffer = new byte[BufferBytes];
        try
        {
            for (int count; (count = await client.ReadAsync(buffer, _over.Token)) > 0;)
            {
                _heardAt = Stopwatch.GetTimestamp();
                if (_end is null && Refusal(buffer.AsSpan(0, count)) is { } refusal)
                    Close(refusal.CloseCode, refusal.Message);
                if (_end is null)
                    await agent.WriteAsync(buffer.AsMemory(0, count), _over.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One side is gone, and the other direction ends by it.
        }

        await _over.CancelAsync();
    }

    private WebSocketProtocolException? Refusal(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var before = _fromClient.MessageFrames;
            _fromClient.Follow(bytes);
            for (var frames = _fromClient.MessageFrames - before; frames > 0; frames--)
            {
                if (!_rate.Allow())
                    return new WebSocketProtocolException(ShellCloseCode.LimitReached, $"more than {limits.MaxSocketFramesPerSecond} frames in a second");
            }

            return null;
        }
        catch (WebSocketProtocolException e)
        {
            return e;
        }
    }

    private async Task RelayAgentAsync()
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (!_isBetweenFrames || (_end is null && !_fromAgent.IsClosed))
            {
                var count = await ReadAgentAsync(buffer);
                if (count == 0)
                    break;
                await PassOnAsync(buffer, count);
            }

            if (!_fromAgent.IsClosed)
                Close(ShellCloseCode.InternalError, "the agent ended the connection");
            if (_end?.CloseCode is { } code)
                await PutInAsync(WebSocketFrame.Close(code, _end.Reason));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or WebSocketProtocolException)
        {
            // The client is gone, or the agent sends what is no WebSocket.
            await _over.CancelAsync();
        }
    }

    // Zero when the agent's side is over, or when the server is to close and nothing comes.
    private async ValueTask<int> ReadAgentAsync(byte[] buffer)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_over.Token, _closing.Token);
        try
        {
            return await agent.ReadAsync(buffer, either.Token);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !_over.IsCancellationRequested))
        {
            return 0;
        }
    }

    // Once the server is to close, only up to the end of a frame.
    private async Task PassOnAsync(byte[] buffer, int count)
    {
        await _toClient.WaitAsync(_over.Token);
        try
        {
            var whole = _fromAgent.Follow(buffer.AsSpan(0, count));
            var passed = _end is not null && whole > 0 ? whole : count;
            await client.WriteAsync(buffer.AsMemory(0, passed), _over.Token);
            _isBetweenFrames = passed == whole;
        }
        finally
        {
            _toClient.Release();
        }
    }

    // A frame of the server's own, where one may stand.
    private async Task PutInAsync(ReadOnlyMemory<byte> frame)
    {
        await _toClient.WaitAsync(_over.Token);
        try
        {
            if (_isBetweenFrames && !_fromAgent.IsClosed)
                await client.WriteAsync(frame, _over.Token);
        }
        finally
        {
            _toClient.Release();
        }
    }

    private async Task PingAsync()
    {
        using var timer = new PeriodicTimer(keepAlive.PingInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(_over.Token) && _end is null)
            {
                if (Stopwatch.GetElapsedTime(_heardAt) >= keepAlive.DeadAfter)
                    await _over.CancelAsync();
                else
                    await PutInAsync(PingFrame);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // It is over.
        }
    }
}
