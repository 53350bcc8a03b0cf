using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Porthole.Bench.Terminals;

/// <summary>
/// A shell behind a WebSocket, on one blocking TCP socket and without allocation once open. Output is moved together in
/// place: frame headers are cut out of the buffer that the kernel filled.
/// </summary>
internal sealed class WebSocketTerminal : Terminal
{
    private const byte OpcodeClose = 8, OpcodePing = 9, OpcodePong = 10, OpcodeBinary = 2;

    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly Channels _channels;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(256 * 1024, pinned: true);
    private readonly byte[] _header = new byte[10];
    private readonly byte[] _control = new byte[125];
    private readonly byte[] _notice = new byte[512];
    private readonly byte[] _outgoing = GC.AllocateUninitializedArray<byte>(16 * 1024, pinned: true);
    private readonly Lock _writing = new();
    private int _undecoded;
    private int _headerBytes;
    private long _payloadLeft;
    private int _controlBytes;
    private int _noticeBytes;
    private byte _opcode;
    private bool _channelPending;
    private bool _wanted;
    private bool _answered;

    /// <summary>How a peer marks shell bytes inside its messages: a leading byte each way, or none.</summary>
    internal sealed record Channels(byte? Input, byte? Output, byte[]? EndMessage, byte[]? AnswerToFirstNotice = null);

    /// <param name="socket">Connected, with the upgrade answered.</param>
    /// <param name="early">Bytes that came together with the answer to the upgrade.</param>
    /// <param name="channels">The peer's framing.</param>
    public WebSocketTerminal(Socket socket, ReadOnlySpan<byte> early, Channels channels)
    {
        _socket = socket;
        _descriptor = (int)socket.Handle;
        _channels = channels;
        early.CopyTo(_buffer);
        _undecoded = early.Length;
    }

    public override int ReadDescriptor => _descriptor;

    public override ReadOnlySpan<byte> Read()
    {
        var count = _undecoded > 0 ? _undecoded : Native.ReadSome(_descriptor, _buffer);
        _undecoded = 0;
        return count > 0 ? _buffer.AsSpan(0, Decode(count)) : throw new TerminalEndedException("the server dropped the connection" + Notice());
    }

    public override void Write(ReadOnlySpan<byte> input) => Send(OpcodeBinary, _channels.Input, input);

    /// <summary>Sends one message as it is, without the input channel's byte.</summary>
    public void WriteMessage(ReadOnlySpan<byte> message) => Send(OpcodeBinary, null, message);

    public override void End()
    {
        try
        {
            if (_channels.EndMessage is { } end)
                WriteMessage(end);
            Detach();
        }
        catch (TerminalEndedException)
        {
            // Already gone, which is what was asked for.
        }
    }

    /// <summary>Closes the WebSocket and leaves the shell to the peer.</summary>
    public void Detach()
    {
        Span<byte> normal = [1000 >> 8, 1000 & 0xFF];
        Send(OpcodeClose, null, normal);
    }

    public override void Abort()
    {
        if (_socket.Connected)
            _socket.Shutdown(SocketShutdown.Both);
    }

    public override void Dispose()
    {
        DrainToEnd(TimeSpan.FromSeconds(2));
        _socket.Dispose();
    }

    private void Send(byte opcode, byte? channel, ReadOnlySpan<byte> payload)
    {
        // A real mask, so that the server pays for removing it; a random one would only slow the driver.
        ReadOnlySpan<byte> mask = [0x37, 0xFA, 0x21, 0x3D];
        lock (_writing)
        {
            var length = payload.Length + (channel is null ? 0 : 1);
            var at = 0;
            _outgoing[at++] = (byte)(0x80 | opcode);
            if (length < 126)
            {
                _outgoing[at++] = (byte)(0x80 | length);
            }
            else
            {
                _outgoing[at++] = 0x80 | 126;
                BinaryPrimitives.WriteUInt16BigEndian(_outgoing.AsSpan(at), checked((ushort)length));
                at += 2;
            }
            mask.CopyTo(_outgoing.AsSpan(at));
            at += 4;
            var start = at;
            if (channel is { } byteOfChannel)
                _outgoing[at++] = byteOfChannel;
            payload.CopyTo(_outgoing.AsSpan(at));
            for (var i = 0; i < length; i++)
                _outgoing[start + i] ^= mask[i & 3];
            Native.WriteAll(_descriptor, _outgoing.AsSpan(0, start + length));
        }
    }

    /// <summary>Walks over what the kernel gave, moves output bytes to the front, and returns how many there are.</summary>
    private int Decode(int count)
    {
        int from = 0, to = 0;
        while (from < count)
        {
            if (_payloadLeft == 0 && !TakeHeader(count, ref from))
                break;
            if (_payloadLeft > 0 && _channelPending)
            {
                if (from == count)
                    break;
                _wanted = _buffer[from++] == _channels.Output;
                _channelPending = false;
                _payloadLeft--;
                _noticeBytes = 0;
            }
            var take = (int)Math.Min(_payloadLeft, count - from);
            var part = _buffer.AsSpan(from, take);
            if (_opcode >= OpcodeClose)
            {
                part.CopyTo(_control.AsSpan(_controlBytes));
                _controlBytes += take;
            }
            else if (_wanted)
            {
                part.CopyTo(_buffer.AsSpan(to));
                to += take;
            }
            else
            {
                var kept = Math.Min(take, _notice.Length - _noticeBytes);
                part[..kept].CopyTo(_notice.AsSpan(_noticeBytes));
                _noticeBytes += kept;
            }
            from += take;
            _payloadLeft -= take;
            if (_payloadLeft == 0)
                EndFrame();
        }
        return to;
    }

    private bool TakeHeader(int count, ref int from)
    {
        while (from < count)
        {
            _header[_headerBytes++] = _buffer[from++];
            if (_headerBytes < 2)
                continue;
            var shortLength = _header[1] & 0x7F;
            var needed = shortLength switch { 126 => 4, 127 => 10, _ => 2 };
            if (_headerBytes < needed)
                continue;
            _payloadLeft = shortLength switch
            {
                126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
                127 => BinaryPrimitives.ReadInt64BigEndian(_header.AsSpan(2)),
                _ => shortLength,
            };
            _opcode = (byte)(_header[0] & 0x0F);
            _headerBytes = 0;
            _controlBytes = 0;
            if (_opcode is > 0 and < OpcodeClose)
            {
                _channelPending = _channels.Output is not null;
                _wanted = !_channelPending;
            }
            if (_payloadLeft > 0)
                return true;
            EndFrame();
        }
        return false;
    }

    private void EndFrame()
    {
        if (_opcode == OpcodePing)
        {
            Send(OpcodePong, null, _control.AsSpan(0, _controlBytes));
        }
        else if (_opcode == OpcodeClose)
        {
            var code = _controlBytes >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(_control) : 1005;
            var reason = _controlBytes > 2 ? ": " + Encoding.UTF8.GetString(_control, 2, _controlBytes - 2) : "";
            throw new TerminalEndedException($"the server closed the WebSocket with {code}{reason}{Notice()}");
        }
        else if (!_wanted && !_answered && _channels.AnswerToFirstNotice is { } answer)
        {
            _answered = true;
            WriteMessage(answer);
        }
    }

    /// <summary>The last message that was not output; for Porthole the STATUS that says what went wrong.</summary>
    private string Notice() => _noticeBytes == 0 ? "" : $" (its last notice: {Encoding.UTF8.GetString(_notice, 0, _noticeBytes)})";
}
