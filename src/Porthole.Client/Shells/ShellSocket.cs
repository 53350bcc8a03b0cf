using System.Net.Sockets;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Porthole.Protocol.Shells;

namespace Porthole.Client;

/// <summary>The end of one connection: the server's close code, or none when it broke.</summary>
internal sealed record ShellDrop(int? CloseCode, string Reason);

/// <summary>A frame from the server, or the end of the connection. The payload is valid until the next receive.</summary>
internal readonly record struct ShellFrame(byte Channel, ReadOnlyMemory<byte> Payload, ShellDrop? Drop);

/// <summary>One WebSocket connection to a shell. One receive and one send may be under way at a time.</summary>
internal sealed class ShellSocket(WebSocket socket, string? sessionId, string? shellId) : IDisposable
{
    private const int ReceiveBytes = 64 * 1024;

    // A client may say goodbye, but it does not wait long for somebody who does not listen.
    private static readonly TimeSpan CloseBound = TimeSpan.FromSeconds(1);

    private readonly byte[] _buffer = new byte[ReceiveBytes];
    private int _length;

    // Whether the rest of an output message follows, whose channel byte was in an earlier piece.
    private bool _inOutput;

    /// <summary>The session's id in the server's answer; null when it did not say.</summary>
    internal string? SessionId => sessionId;

    /// <summary>The shell's id in the server's answer; null when it did not say.</summary>
    internal string? ShellId => shellId;

    /// <summary>
    /// Receives the next frame. Output is passed on piece by piece as it comes; every other frame is whole. Frames that mean nothing here
    /// (empty, text, unknown) are passed over. Cancelling breaks the connection.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<ShellFrame> ReceiveAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ValueWebSocketReceiveResult received;
            try
            {
                received = await socket.ReceiveAsync(_buffer.AsMemory(_length), cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (IsDrop(e, cancellation))
            {
                return Dropped(Describe(e));
            }

            if (received.MessageType == WebSocketMessageType.Close) return new ShellFrame(0, default, CloseReceived());
            if (received.MessageType == WebSocketMessageType.Text) continue;
            _length += received.Count;
            if (TryTake(received.EndOfMessage, out var frame)) return frame;
            if (_length == _buffer.Length) return Dropped("the server sent a status of more than 64 KB");
        }
    }

    private bool TryTake(bool endOfMessage, out ShellFrame frame)
    {
        frame = default;
        var start = _inOutput ? 0 : 1;
        if (_length < start) return false;
        var channel = _inOutput ? ShellFrameChannel.Stdout : _buffer[0];
        var isOutput = channel == ShellFrameChannel.Stdout;
        if (!endOfMessage && !isOutput) return false;
        frame = new ShellFrame(channel, _buffer.AsMemory(start, _length - start), null);
        _inOutput = !endOfMessage;
        _length = 0;
        return isOutput ? !frame.Payload.IsEmpty : IsKnown(channel);
    }

    /// <summary>Sends one frame.</summary>
    /// <param name="frame">The channel byte and the payload.</param>
    /// <returns>False when the connection is broken; the receiving side knows more.</returns>
    internal async ValueTask<bool> TrySendAsync(ReadOnlyMemory<byte> frame)
    {
        try
        {
            await socket.SendAsync(frame, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (IsDrop(e, CancellationToken.None))
        {
            return false;
        }
    }

    /// <summary>Sends a WebSocket close, which detaches; answers one if the server sent it. Best effort, within a second.</summary>
    internal async Task CloseOutputAsync()
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        using var bound = new CancellationTokenSource(CloseBound);
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, bound.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException || IsDrop(e, bound.Token))
        {
            // The connection is broken already, and to the server that is a detach just the same.
        }
    }

    /// <summary>Breaks the connection at once; a receive under way returns a drop.</summary>
    internal void Abort() => socket.Abort();

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private static ShellFrame Dropped(string reason) => new(0, default, new ShellDrop(null, reason));

    private static bool IsKnown(byte channel) => channel is ShellFrameChannel.Stderr or ShellFrameChannel.Status or ShellFrameChannel.Heartbeat or ShellFrameChannel.Close;

    private ShellDrop CloseReceived()
    {
        var code = (int?)socket.CloseStatus;

        // 1005 stands for a close without a code; official clients disagree on it, and coming back is the answer that loses nothing.
        if (code == (int)WebSocketCloseStatus.Empty) code = null;
        var meaning = code switch
        {
            ShellCloseCode.Ended => "the server ended the connection",
            ShellCloseCode.ServerRestart => "the server restarts",
            ShellCloseCode.TextNotAccepted => "the server does not take text frames",
            ShellCloseCode.LimitReached => "a limit of the connection was reached",
            ShellCloseCode.FrameTooLarge => "a frame was too large for the server",
            ShellCloseCode.InternalError => "the server failed",
            ShellCloseCode.TakenOver => "another client attached to this shell",
            null => "the server closed the connection without a reason",
            _ => $"the server closed the connection with code {code}",
        };
        return new ShellDrop(code, string.IsNullOrWhiteSpace(socket.CloseStatusDescription) ? meaning : $"{meaning}: {socket.CloseStatusDescription}");
    }

    // An aborted socket reports cancellation although nobody cancelled this call.
    private static bool IsDrop(Exception e, CancellationToken cancellation) =>
        e is WebSocketException or IOException or ObjectDisposedException
        || (e is OperationCanceledException && !cancellation.IsCancellationRequested);

    // The library's own words speak of handshakes; what the kernel said, if it said anything, is what helps.
    private static string Describe(Exception e) =>
        e.GetBaseException() is SocketException { Message: var message } ? $"the connection broke: {message}" : "the connection broke";
}
