using System.Net;
using System.Text;
using System.Text.Json;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>A shell as a client sees it: frames in and out, one at a time, in the order of the wire.</summary>
internal sealed class ShellClient : IDisposable
{
    public const byte Stdin = 0, Stdout = 1, Stderr = 2, Status = 3, Resize = 4, Heartbeat = 5, Close = 0xFF;

    private readonly StringBuilder _transcript = new();
    private int _markers;

    private ShellClient(RawSocket socket, HttpAnswer answer) => (Socket, Answer) = (socket, answer);

    public RawSocket Socket { get; }

    /// <summary>The 101.</summary>
    public HttpAnswer Answer { get; }

    public string SessionId => Answer.Header(ApiClient.SessionHeader)!;

    public string ShellId => Answer.Header("X-Amzn-Bedrock-AgentCore-Shell-Id")!;

    /// <summary>Every STATUS so far, the confirmation first.</summary>
    public List<JsonElement> Statuses { get; } = [];

    public bool Reconnected => Statuses[0].GetProperty("metadata").GetProperty("reconnected").GetBoolean();

    /// <summary>What the first confirmation says was dropped; 0 when it says nothing.</summary>
    public long BytesDropped => Statuses[0].GetProperty("metadata").TryGetProperty("bytesDropped", out var dropped) ? dropped.GetInt64() : 0;

    /// <summary>All output so far, each byte a character.</summary>
    public StringBuilder Output { get; } = new();

    /// <summary>A session id that nobody else uses.</summary>
    public static string NewSessionId() => "e2e-" + Guid.NewGuid().ToString("N");

    /// <summary>Opens a shell and waits for its confirmation.</summary>
    public static async Task<ShellClient> OpenAsync(TestServer server, string? sessionId = null, string? shellId = null, IPEndPoint? through = null)
    {
        // A session that is starting for somebody else or stopping says so, and clients try again.
        using var deadline = Patience.Deadline();
        while (true)
        {
            var request = new Upgrade { Server = server, SessionHeader = sessionId ?? NewSessionId(), Query = shellId is null ? "" : $"shellId={shellId}" };
            var (client, answer) = await TryOpenAsync(request, through);
            if (client is not null)
            {
                await client.ReadConfirmationAsync();
                return client;
            }

            if (answer.Status != 409)
                Assert.Fail($"the upgrade was refused: {answer}");
            await Task.Delay(50, deadline.Token);
        }
    }

    /// <summary>Opens a shell and waits for the 101, or for the refusal.</summary>
    public static async Task<(ShellClient? Client, HttpAnswer Answer)> TryOpenAsync(Upgrade request, IPEndPoint? through = null, int? receiveBufferBytes = null)
    {
        var socket = await RawSocket.ConnectAsync(request.Server, through, receiveBufferBytes);
        await socket.SendRawAsync(request.Head());
        var answer = await socket.ReadAnswerAsync();
        if (answer.Status == 101)
            return (new ShellClient(socket, answer), answer);
        socket.Dispose();
        return (null, answer);
    }

    /// <summary>Opens a shell as asked; a refusal fails the test.</summary>
    public static async Task<ShellClient> OpenAsync(Upgrade request, int? receiveBufferBytes = null)
    {
        var (client, answer) = await TryOpenAsync(request, null, receiveBufferBytes);
        Assert.True(client is not null, $"the upgrade was refused: {answer}");
        await client.ReadConfirmationAsync();
        return client;
    }

    public async Task ReadConfirmationAsync()
    {
        var frame = await ReadAsync();
        Assert.True(frame.Opcode == RawFrame.Binary && frame.Payload[0] == Status, $"the first frame is no STATUS: {Describe(frame)}");
        var shellId = Statuses[0].GetProperty("metadata").GetProperty("shellId").GetString();
        Assert.True(shellId == ShellId, $"the confirmation names {shellId}, the 101 {ShellId}");
    }

    public Task SendAsync(string text) => SendAsync(Stdin, Encoding.UTF8.GetBytes(text));

    public Task SendAsync(byte channel, ReadOnlySpan<byte> payload) => Socket.SendFrameAsync(RawFrame.Binary, [channel, .. payload]);

    public Task ResizeAsync(int columns, int rows) => SendAsync(Resize, Encoding.UTF8.GetBytes($$"""{"width":{{columns}},"height":{{rows}}}"""));

    /// <summary>The next frame. Output and statuses are noted as well.</summary>
    /// <param name="deadline">Ends the wait; by default the usual time from now.</param>
    public async Task<RawFrame> ReadAsync(CancellationToken deadline = default)
    {
        RawFrame? frame;
        try
        {
            frame = await Socket.ReadFrameAsync(deadline);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"nothing more came within {Patience.Limit.TotalSeconds} s.\n{Transcript()}");
            throw;
        }

        if (frame is null)
            Assert.Fail($"the server dropped the connection.\n{Transcript()}");
        _transcript.Append(Describe(frame)).Append('\n');
        if (frame.Opcode != RawFrame.Binary)
            return frame;
        Assert.True(frame.Payload.Length > 0, "the server sent an empty message");
        if (frame.Payload[0] == Stdout)
            Output.Append(Encoding.Latin1.GetString(frame.Payload.AsSpan(1)));
        else if (frame.Payload[0] == Status)
            Statuses.Add(JsonElement.Parse(frame.Payload.AsSpan(1)));
        return frame;
    }

    /// <summary>Reads until a text has been printed.</summary>
    /// <returns>What was printed in front of it, since the last such call.</returns>
    public async Task<string> ReadUntilAsync(string text)
    {
        using var deadline = Patience.Deadline();
        while (true)
        {
            var at = Output.ToString().IndexOf(text, StringComparison.Ordinal);
            if (at >= 0)
            {
                var before = Output.ToString(0, at);
                Output.Remove(0, at + text.Length);
                return before;
            }

            var frame = await ReadAsync(deadline.Token);
            if (frame.Opcode == RawFrame.Close)
                Assert.Fail($"the server closed with {frame.CloseCode} while '{text}' was awaited.\n{Transcript()}");
        }
    }

    /// <summary>Makes the terminal quiet: no echo, no prompt, no translation, so that what is printed is what programs print.</summary>
    public async Task QuietAsync()
    {
        await SendAsync("stty -echo -opost; PS1=; bind 'set enable-bracketed-paste off'; echo qu''iet\n");
        await ReadUntilAsync("quiet\n");
    }

    /// <summary>Runs a line in a quiet shell and returns what it printed.</summary>
    public async Task<string> RunAsync(string line)
    {
        var marker = $"{Interlocked.Increment(ref _markers):0000}";
        await SendAsync($"{line}\necho end''of{marker}\n");
        return await ReadUntilAsync($"endof{marker}\n");
    }

    /// <summary>Reads until the server's close frame.</summary>
    public async Task<RawFrame> ReadCloseAsync()
    {
        using var deadline = Patience.Deadline();
        while (true)
        {
            var frame = await ReadAsync(deadline.Token);
            if (frame.Opcode == RawFrame.Close)
                return frame;
        }
    }

    /// <summary>Leaves as current clients do: a WebSocket close without CLOSE, answered by the server.</summary>
    public async Task DetachAsync()
    {
        await Socket.SendRawAsync(RawSocket.CloseFrame(1000));
        await ReadCloseAsync();
        Dispose();
    }

    /// <summary>Ends the shell.</summary>
    public async Task CloseShellAsync()
    {
        await SendAsync(Close, []);
        Assert.Equal(1000, (await ReadCloseAsync()).CloseCode);
        Dispose();
    }

    /// <summary>What came over the wire, for the report of a failure.</summary>
    public string Transcript()
    {
        var text = _transcript.ToString();
        return text.Length > 6000 ? "..." + text[^6000..] : text;
    }

    public void Dispose() => Socket.Dispose();

    private static string Describe(RawFrame frame)
    {
        if (frame.Opcode == RawFrame.Close)
            return $"close {frame.CloseCode} {frame.CloseReason}";
        if (frame.Opcode != RawFrame.Binary)
            return $"opcode {frame.Opcode}";
        var text = Encoding.Latin1.GetString(frame.Payload.AsSpan(1));
        return $"{frame.Payload[0]:X2} {JsonSerializer.Serialize(text.Length > 400 ? text[..200] + " ... " + text[^200..] : text)}";
    }
}
