using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>One WebSocket frame as it was on the wire.</summary>
internal sealed record RawFrame(int Opcode, byte[] Payload)
{
    public const int Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10;

    /// <summary>The close frame's code; 1005 when it has none.</summary>
    public int CloseCode => Payload.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(Payload) : 1005;

    public string CloseReason => Payload.Length > 2 ? Encoding.UTF8.GetString(Payload.AsSpan(2)) : "";
}

/// <summary>
/// A TCP connection that speaks HTTP and WebSocket byte by byte, so that it can also speak them wrong. It reads nothing by itself:
/// a test decides when it does.
/// </summary>
internal sealed class RawSocket : IDisposable
{
    private readonly byte[] _buffer = new byte[128 * 1024];
    private int _start;
    private int _end;

    private readonly SslStream? _tls;

    private RawSocket(Socket socket, SslStream? tls) => (Socket, _tls) = (socket, tls);

    public Socket Socket { get; }

    /// <summary>Whether pings are answered while frames are read.</summary>
    public bool AnswersPings { get; set; } = true;

    /// <summary>Connects to a server, with TLS if that is what it speaks.</summary>
    /// <param name="server">The server.</param>
    /// <param name="through">Where to connect to, when that is not the server itself.</param>
    /// <param name="receiveBufferBytes">What the kernel may take for it.</param>
    public static async Task<RawSocket> ConnectAsync(TestServer server, IPEndPoint? through = null, int? receiveBufferBytes = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBufferBytes is { } bytes)
            socket.ReceiveBufferSize = bytes;
        await socket.ConnectAsync(through ?? server.EndPoint, TestContext.Current.CancellationToken);
        if (!server.SpeaksTls)
            return new RawSocket(socket, null);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(server.TlsOptions, TestContext.Current.CancellationToken);
        return new RawSocket(socket, tls);
    }

    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        using var deadline = Patience.Deadline();
        await SendRawAsync(bytes, deadline.Token);
    }

    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_tls is not null)
            await _tls.WriteAsync(bytes, cancellationToken);
        while (_tls is null && !bytes.IsEmpty)
            bytes = bytes[await Socket.SendAsync(bytes, cancellationToken)..];
    }

    /// <summary>Reads the answer to a request: its head, and its body unless it is a 101.</summary>
    public async Task<HttpAnswer> ReadAnswerAsync()
    {
        var head = Encoding.Latin1.GetString(await ReadThroughAsync("\r\n\r\n"u8.ToArray()));
        var answer = HttpAnswer.Parse(head, "");
        if (answer.Status == 101)
            return answer;
        if (answer.Header("Transfer-Encoding") == "chunked")
            return answer with { Body = Encoding.UTF8.GetString(await ReadChunksAsync()) };
        var length = int.Parse(answer.Header("Content-Length") ?? "0");
        return answer with { Body = Encoding.UTF8.GetString(await ReadExactlyAsync(length)) };
    }

    /// <summary>Sends one frame.</summary>
    public Task SendFrameAsync(int opcode, ReadOnlySpan<byte> payload, bool final = true, bool masked = true, int reserved = 0) =>
        SendRawAsync(Frame(opcode, payload, final, masked, reserved));

    /// <summary>A frame's bytes.</summary>
    public static byte[] Frame(int opcode, ReadOnlySpan<byte> payload, bool final = true, bool masked = true, int reserved = 0)
    {
        var frame = new MemoryStream();
        frame.WriteByte((byte)((final ? 0x80 : 0) | (reserved << 4) | opcode));
        var mask = (byte)(masked ? 0x80 : 0);
        Span<byte> length = stackalloc byte[8];
        switch (payload.Length)
        {
            case < 126:
                frame.WriteByte((byte)(mask | payload.Length));
                break;
            case <= ushort.MaxValue:
                frame.WriteByte((byte)(mask | 126));
                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)payload.Length);
                frame.Write(length[..2]);
                break;
            default:
                frame.WriteByte((byte)(mask | 127));
                BinaryPrimitives.WriteInt64BigEndian(length, payload.Length);
                frame.Write(length);
                break;
        }

        if (!masked)
        {
            frame.Write(payload);
            return frame.ToArray();
        }

        ReadOnlySpan<byte> key = [0x37, 0xFA, 0x21, 0x3D];
        frame.Write(key);
        for (var i = 0; i < payload.Length; i++)
            frame.WriteByte((byte)(payload[i] ^ key[i % 4]));
        return frame.ToArray();
    }

    /// <summary>A close frame's bytes.</summary>
    public static byte[] CloseFrame(int? code)
    {
        var payload = new byte[code is null ? 0 : 2];
        if (code is { } value)
            BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)value);
        return Frame(RawFrame.Close, payload);
    }

    /// <summary>The next frame that is no ping; null when the server has closed the connection.</summary>
    /// <param name="deadline">Ends the wait; by default the usual time from now.</param>
    public async Task<RawFrame?> ReadFrameAsync(CancellationToken deadline = default)
    {
        using var own = deadline == default ? Patience.Deadline() : null;
        if (own is not null)
            deadline = own.Token;
        while (true)
        {
            if (!await FillAsync(2, deadline))
                return null;
            var first = _buffer[_start];
            var second = _buffer[_start + 1];
            Assert.True((first & 0x70) == 0, "the server set reserved bits");
            Assert.True((first & 0x80) != 0, "the server sent a fragment");
            Assert.True((second & 0x80) == 0, "the server masked a frame");
            var (header, length) = (2, (long)second);
            if (second == 126)
            {
                Assert.True(await FillAsync(4, deadline));
                (header, length) = (4, BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(_start + 2)));
            }
            else if (second == 127)
            {
                Assert.True(await FillAsync(10, deadline));
                (header, length) = (10, BinaryPrimitives.ReadInt64BigEndian(_buffer.AsSpan(_start + 2)));
            }

            Assert.True(length <= 65_536, $"the server sent a message of {length} bytes");
            if (!await FillAsync(header + (int)length, deadline))
                return null;
            var frame = new RawFrame(first & 0xF, _buffer.AsSpan(_start + header, (int)length).ToArray());
            _start += header + (int)length;
            if (frame.Opcode != RawFrame.Ping)
                return frame;
            if (AnswersPings)
                await SendFrameAsync(RawFrame.Pong, frame.Payload);
        }
    }

    /// <summary>Whether the server closes the TCP connection, in order or by reset, without another frame.</summary>
    public async Task<bool> IsClosedAsync()
    {
        try
        {
            return !await FillAsync(1);
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset)
        {
            return true;
        }
    }

    /// <summary>Ends the connection so that the server gets a reset instead of an end.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public void Dispose()
    {
        _tls?.Dispose();
        Socket.Dispose();
    }

    private async Task<byte[]> ReadThroughAsync(byte[] end)
    {
        while (true)
        {
            var at = _buffer.AsSpan(_start, _end - _start).IndexOf(end);
            if (at >= 0)
            {
                var bytes = _buffer.AsSpan(_start, at + end.Length).ToArray();
                _start += bytes.Length;
                return bytes;
            }

            if (!await FillAsync(_end - _start + 1))
                throw new EndOfStreamException("the server closed the connection instead of answering: " + Encoding.Latin1.GetString(_buffer.AsSpan(_start, _end - _start)));
        }
    }

    private async Task<byte[]> ReadChunksAsync()
    {
        var body = new MemoryStream();
        while (true)
        {
            var length = Convert.ToInt32(Encoding.ASCII.GetString(await ReadThroughAsync("\r\n"u8.ToArray())).Trim(), 16);
            body.Write(await ReadExactlyAsync(length));
            await ReadThroughAsync("\r\n"u8.ToArray());
            if (length == 0)
                return body.ToArray();
        }
    }

    private async Task<byte[]> ReadExactlyAsync(int length)
    {
        if (!await FillAsync(length))
            throw new EndOfStreamException("the server closed the connection inside its answer");
        var bytes = _buffer.AsSpan(_start, length).ToArray();
        _start += length;
        return bytes;
    }

    // False when the connection ends before so many bytes are here.
    private async Task<bool> FillAsync(int bytes)
    {
        using var deadline = Patience.Deadline();
        return await FillAsync(bytes, deadline.Token);
    }

    private async Task<bool> FillAsync(int bytes, CancellationToken deadline)
    {
        while (_end - _start < bytes)
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            var received = _tls is null ? await Socket.ReceiveAsync(_buffer.AsMemory(_end), deadline) : await ReceiveTlsAsync(_tls, deadline);
            if (received == 0)
                return false;
            _end += received;
        }

        return true;
    }

    // What ends inside a record ends: nothing of that record can be read.
    private async Task<int> ReceiveTlsAsync(SslStream tls, CancellationToken deadline)
    {
        try
        {
            return await tls.ReadAsync(_buffer.AsMemory(_end), deadline);
        }
        catch (IOException e) when (e.InnerException is SocketException reset)
        {
            throw reset;
        }
        catch (IOException e) when (e.InnerException is null)
        {
            return 0;
        }
    }
}
