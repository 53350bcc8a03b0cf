using System.Buffers;
using Porthole.Posix;
using Porthole.Protocol.Shells;
using Porthole.Protocol.WebSockets;

namespace Porthole.Server.Shells;

// Towards the client.
internal sealed partial class ShellConnection
{
    // How long the first bytes of a UTF-8 sequence wait for the others before they are sent alone.
    private static readonly TimeSpan PartialCharacterHold = TimeSpan.FromMilliseconds(20);

    private readonly DeliveryTracker _delivery = new();
    private readonly byte[] _partial = new byte[3];
    private int _partialCount;
    private OutputWindow _window = new();
    private long _outputOffset;
    private long _bytesOut;

    private unsafe void LimitSendBuffer()
    {
        int bytes = OutputWindow.SendBufferBytes;
        _ = Libc.SetSockOpt(_client.Fd, Libc.SOL_SOCKET, Libc.SO_SNDBUF, &bytes, sizeof(int));
    }

    // From now on the kernel notes in the cursor what it takes.
    private unsafe void TakeReceipts() => _client.Receipt = _cursor!.Receipt;

    private unsafe void LeaveCursor()
    {
        _client.Receipt = null;
        _cursor?.Dispose();
        _cursor = null;
    }

    // Sends bytes of the guest buffer, making the WebSocket frame around them where they lie.
    private void SendOutput(byte[] buffer, int at, int count)
    {
        _window.Count(count);
        if (_partialCount > 0)
        {
            at -= _partialCount;
            count += _partialCount;
            _partial.AsSpan(0, _partialCount).CopyTo(buffer.AsSpan(at));
            _partialCount = 0;
        }

        // Official clients decode each frame by itself, so frames end between characters where they can.
        var incomplete = IncompleteCharacterBytes(buffer.AsSpan(at, count));
        if (incomplete > 0)
        {
            count -= incomplete;
            buffer.AsSpan(at + count, incomplete).CopyTo(_partial);
            _partialCount = incomplete;
            _partialTimer ??= _loop.Events.Schedule(PartialCharacterHold, () => Guarded(SendPartialCharacter));
        }

        if (count > 0)
            SendFramed(buffer, at, count);
        GrantOutput();
    }

    private void SendFramed(byte[] buffer, int at, int count)
    {
        var header = WebSocketFrame.HeaderBytes(1 + count);
        buffer[at - 1] = ShellFrameChannel.Stdout;
        var start = at - 1 - header;
        WebSocketFrame.WriteHeader(buffer.AsSpan(start), WebSocketOpcode.Binary, 1 + count);
        var frame = OnWire(buffer.AsSpan(start, header + 1 + count));
        if (_client.PendingBytes == 0)
            _cursor!.Announce(_outputOffset + count, frame.Length);
        if (!WriteWire(frame))
            return;
        MeasureEcho();
        _bytesOut += count;
        _outputOffset += count;
        _delivery.Sent(_client, _outputOffset);
        if (_client.PendingBytes == 0)
            _cursor!.Offset = _outputOffset;
        ConfirmAgainAfterReplay();
        MeasureFlood(count);
    }

    private void SendPartialCharacter()
    {
        _partialTimer = null;
        if (_partialCount == 0 || _phase != Phase.Open)
            return;
        var buffer = _loop.FromGuest;
        _partial.AsSpan(0, _partialCount).CopyTo(buffer.AsSpan(RelayLoop.HeadroomBytes));
        var count = _partialCount;
        _partialCount = 0;
        SendFramed(buffer, RelayLoop.HeadroomBytes, count);
    }

    // Bytes at the end that begin a UTF-8 sequence without finishing it: 0 to 3. Bytes that are no UTF-8 at all are not held back.
    private static int IncompleteCharacterBytes(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            var value = bytes[^back];
            if (value < 0x80)
                return 0;
            var length = value >= 0xF0 ? 4 : value >= 0xE0 ? 3 : value >= 0xC0 ? 2 : 0;
            if (length > 0)
                return length > back && value < 0xF8 ? back : 0;
        }

        return 0;
    }

    // Only what the client's socket took earns new credit; what waits here does not.
    private void GrantOutput()
    {
        if (_client.PendingBytes == 0 && _phase == Phase.Open && _window.Grant() is > 0 and var credit)
            WriteLane(Protocol.Link.LinkSmallFrames.WriteCredit(_link, Stream, credit));
    }

    private void WriteStatus(ShellStatus status)
    {
        var json = new ArrayBufferWriter<byte>(256);
        status.WriteTo(json);
        WriteFrame(ShellFrameChannel.Status, json.WrittenSpan);
    }

    private void WriteFrame(byte channel, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[WebSocketFrame.MaxShortHeaderBytes + 1 + payload.Length];
        var header = WebSocketFrame.WriteHeader(frame, WebSocketOpcode.Binary, 1 + payload.Length);
        frame[header] = channel;
        payload.CopyTo(frame.AsSpan(header + 1));
        WriteClient(frame.AsSpan(0, header + 1 + payload.Length));
    }

    private void WriteControl(WebSocketOpcode opcode, ReadOnlySpan<byte> payload)
    {
        Span<byte> frame = stackalloc byte[2 + 125];
        WebSocketFrame.WriteHeader(frame, opcode, payload.Length);
        payload.CopyTo(frame[2..]);
        WriteClient(frame[..(2 + payload.Length)]);
    }

    // As it is sent: what is counted, announced and acknowledged are bytes of the socket.
    private ReadOnlySpan<byte> OnWire(ReadOnlySpan<byte> bytes)
    {
        if (_tls is null)
            return bytes;
        _loop.Sealed.ResetWrittenCount();
        _tls.Seal(bytes, _loop.Sealed);
        return _loop.Sealed.WrittenSpan;
    }

    private bool WriteClient(ReadOnlySpan<byte> bytes) => WriteWire(OnWire(bytes));

    private bool WriteWire(ReadOnlySpan<byte> bytes)
    {
        if (!_client.Write(bytes))
        {
            OnClientGone(Errno.Describe(Errno.Last));
            return false;
        }

        if (_client.PendingBytes > 0)
            _stallTimer ??= _loop.Events.Schedule(_limits.WriteStall, () => Guarded(OnStalled));
        return true;
    }

    private bool FlushClient()
    {
        var before = _client.PendingBytes;
        while (_client.PendingBytes > 0)
        {
            // Frame by frame, so that the cursor can say which of them went out.
            var isOutput = _delivery.TryNextWaiting(_client, out var bytes, out var offset) && _cursor is not null;
            if (isOutput)
                _cursor!.Announce(offset, bytes);
            var sent = _client.FlushOnce(isOutput ? bytes : _client.PendingBytes);
            if (sent < 0)
            {
                OnClientGone(Errno.Describe(Errno.Last));
                return false;
            }

            if (sent == 0)
                break;
            if (isOutput && sent == bytes)
                _cursor!.Offset = offset;
        }

        if (_client.PendingBytes == before)
            return true;
        _stallTimer?.Cancel();
        _stallTimer = _client.PendingBytes == 0 ? null : _loop.Events.Schedule(_limits.WriteStall, () => Guarded(OnStalled));
        GrantOutput();
        return true;
    }
}
