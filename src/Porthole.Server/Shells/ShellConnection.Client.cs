using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;
using Porthole.Protocol.WebSockets;
using Porthole.Server.Store;
using Porthole.Server.Transport;
using TerminalSize = Porthole.Protocol.Link.TerminalSize;

namespace Porthole.Server.Shells;

// What the client sends.
internal sealed partial class ShellConnection
{
    // What a person can paste at once without the client's own pings getting stuck behind it (contract section 14).
    private const int MaxTypedBacklogBytes = 1024 * 1024;

    // A RESIZE is about 30 bytes of JSON; longer ones are nonsense and ignored.
    private const int MaxControlPayloadBytes = 256;
    private const int InputFrameBytes = 32 * 1024;

    private readonly WebSocketServerDecoder _decoder;
    private readonly RateLimit _rate;
    private PendingBytes _typed;
    private PendingBytes _controlPayload;
    private int _channel = NoChannel;
    private int _consecutiveTexts;
    private bool _heartbeatOwed;
    private bool _clientBrokeProtocol;
    private uint _inputCredit;
    private long _bytesIn;
    private long _lastHeardAt;
    private TerminalSize _size = new(80, 24);

    private const int NoChannel = -1;

    private void OnClientReady(PollEvents ready)
    {
        if ((ready & PollEvents.Writable) != 0 && !FlushClient())
            return;
        if ((ready & ~PollEvents.Writable) != 0)
            ReceiveFromClient();
    }

    private unsafe void ReceiveFromClient()
    {
        var buffer = _tls is null ? _loop.FromClient : _loop.Records;
        nint count;
        fixed (byte* start = buffer)
            count = Libc.Recv(_client.Fd, start + RelayLoop.HeadroomBytes, RelayLoop.ReadBytes, Libc.MSG_DONTWAIT);
        if (count < 0 && Errno.Last is (Errno.EAGAIN or Errno.EINTR))
            return;
        if (count <= 0)
        {
            OnClientGone(count == 0 ? "the client closed the connection" : Errno.Describe(Errno.Last));
            return;
        }

        var received = buffer.AsSpan(RelayLoop.HeadroomBytes, (int)count);
        if (_tls is null)
            ProcessClientBytes(received);
        else
            ProcessRecords(_tls, received);
    }

    private void ProcessRecords(TlsSession tls, ReadOnlySpan<byte> received)
    {
        tls.Feed(received);
        var opened = _loop.FromClient.AsMemory(RelayLoop.HeadroomBytes);
        for (int count; _phase != Phase.Over && (count = tls.Read(opened)) != TlsSession.NeedsMore;)
        {
            if (count == TlsSession.Ended)
            {
                OnClientGone(tls.Failure ?? "the client closed the connection");
                return;
            }

            ProcessClientBytes(opened.Span[..count]);
        }
    }

    private void ProcessClientBytes(Span<byte> received)
    {
        _lastHeardAt = Stopwatch.GetTimestamp();

        // After a breach nobody knows where the next frame begins; what still comes is only waited out.
        while (!_clientBrokeProtocol && _phase != Phase.Over)
        {
            switch (_decoder.Next(ref received, out var data))
            {
                case WebSocketPart.NeedMore:
                    return;
                case WebSocketPart.Message:
                    if (_phase != Phase.Closing)
                        OnMessagePart(data);
                    break;
                case WebSocketPart.Ping:
                    if (_phase != Phase.Closing)
                        WriteControl(WebSocketOpcode.Pong, data);
                    break;
                case WebSocketPart.Close:
                    OnClientClose(WebSocketServerDecoder.ReadCloseCode(data));
                    return;
            }
        }
    }

    private void OnMessagePart(Span<byte> data)
    {
        if (_decoder.IsFirst && !OnMessageBegins())
            return;
        if (_decoder.IsText)
            return;
        if (_channel == NoChannel)
        {
            // An empty message, or an empty first fragment, names no channel.
            if (data.IsEmpty)
                return;
            _channel = data[0];
            data = data[1..];
        }

        if (_channel == ShellFrameChannel.Stdin)
            OnTyped(data);
        else if (_controlPayload.Count + data.Length <= MaxControlPayloadBytes)
            _controlPayload.Append(data);
        if (!_decoder.IsLast || _phase >= Phase.Closing)
            return;
        OnControlFrame();
        _controlPayload.Clear();
        ReleaseHeldOutput();
    }

    private bool OnMessageBegins()
    {
        _channel = NoChannel;
        if (!_rate.Allow())
        {
            CloseNow(ShellCloseCode.LimitReached, $"more than {_limits.MaxFramesPerWindow} frames in {_limits.FrameRateWindow.TotalSeconds:0.#} s", ConnectionEnd.LimitReached);
            return false;
        }

        // Isolated text frames are ignored; binary ones reset the count (contract section 4).
        _consecutiveTexts = _decoder.IsText ? _consecutiveTexts + 1 : 0;
        if (_consecutiveTexts < _limits.MaxConsecutiveTextFrames)
            return true;
        CloseNow(ShellCloseCode.TextNotAccepted, "text frames are not accepted: send binary frames", ConnectionEnd.ProtocolError);
        return false;
    }

    private void OnControlFrame()
    {
        switch (_channel)
        {
            case ShellFrameChannel.Resize when Porthole.Protocol.Shells.TerminalSize.TryParse(_controlPayload.Span, out var size):
                _size = new TerminalSize((ushort)size.Columns, (ushort)size.Rows);
                if (_phase == Phase.Open)
                    WriteLane(_size.Write(_link, Stream));
                break;
            case ShellFrameChannel.Heartbeat:
                OnHeartbeat();
                break;
            case ShellFrameChannel.Close:
                OnCloseRequested();
                break;
        }
    }

    // The echo tells a client that all it typed before has been handed to the guest.
    private void OnHeartbeat()
    {
        if (_typed.IsEmpty)
            WriteFrame(ShellFrameChannel.Heartbeat, []);
        else
            _heartbeatOwed = true;
    }

    private void OnTyped(Span<byte> data)
    {
        _bytesIn += data.Length;
        if (data.IsEmpty)
            return;
        NoteKey(data.Length);
        if (_phase == Phase.Open && _typed.IsEmpty && _lane.PendingBytes == 0 && data.Length <= _inputCredit && HasHeadroom(data, out var framed))
        {
            _inputCredit -= (uint)data.Length;
            new LinkFrame(data.Length, LinkFrameType.Input, Stream).WriteTo(framed);
            WriteLane(framed);
            return;
        }

        _typed.Append(data);
        FlushTyped();
    }

    // The bytes in front of the payload are used up (they held its WebSocket header), so the link's header can take their place:
    // a keystroke is never copied.
    private bool HasHeadroom(Span<byte> data, out Span<byte> framed)
    {
        var buffer = _loop.FromClient;
        var at = Unsafe.ByteOffset(ref MemoryMarshal.GetArrayDataReference(buffer), ref MemoryMarshal.GetReference(data));
        var isInBuffer = at >= LinkFrame.HeaderBytes && at + data.Length <= buffer.Length;
        framed = isInBuffer ? buffer.AsSpan((int)at - LinkFrame.HeaderBytes, LinkFrame.HeaderBytes + data.Length) : default;
        return isInBuffer;
    }

    private void FlushTyped()
    {
        while (_phase == Phase.Open && !_typed.IsEmpty && _inputCredit > 0)
        {
            var count = (int)Math.Min(Math.Min(_inputCredit, InputFrameBytes), _typed.Count);
            _inputCredit -= (uint)count;
            WriteLane(LinkSmallFrames.WriteBytes(_link, LinkFrameType.Input, Stream, _typed.Span[..count]));
            _typed.Consume(count);
        }

        if (!_heartbeatOwed || !_typed.IsEmpty || _phase != Phase.Open)
            return;
        _heartbeatOwed = false;
        WriteFrame(ShellFrameChannel.Heartbeat, []);
    }

    private void OnCloseRequested()
    {
        _shellIsGone = true;
        if (_phase is Phase.Open or Phase.Attaching)
            WriteLane(LinkSmallFrames.WriteEmpty(_link, LinkFrameType.Hangup, Stream));
        WriteFrame(ShellFrameChannel.Close, []);
        CloseNow(ShellCloseCode.Ended, "the client closed the shell", ConnectionEnd.ClosedByClient);
    }
}
