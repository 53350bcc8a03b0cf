using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests;

/// <summary>One request, answered by the test.</summary>
internal sealed class ScriptedRequest(HttpContext context)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => _done.Task;

    public string RawTarget => context.Features.Get<IHttpRequestFeature>()!.RawTarget;

    public string Method => context.Request.Method;

    public string? Header(string name) => context.Request.Headers[name];

    public string? Query(string name) => context.Request.Query[name];

    public async Task<byte[]> BodyAsync()
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    public SigV4Result Verify(byte[]? body = null)
    {
        Assert.True(RequestTarget.TryParse(RawTarget, out var target));
        var headers = context.Request.Headers.SelectMany(line => line.Value, (line, value) => KeyValuePair.Create(line.Key, value!));
        var verifier = new SigV4Verifier("eu-test-1", TimeProvider.System, id => id == ScriptedServer.Key.AccessKeyId ? ScriptedServer.Key.SecretAccessKey : null);
        return verifier.Verify(new SigV4Request(Method, target, [.. headers]), SigV4.Sha256Hex(body ?? []), context.Connection.LocalPort);
    }

    public async Task RefuseAsync(AwsError error)
    {
        var body = new ArrayBufferWriter<byte>();
        error.WriteBody(body);
        context.Response.Headers[AwsError.TypeHeader] = error.Name;
        context.Response.Headers[AwsError.RequestIdHeader] = "request-1";
        await AnswerAsync(error.Status, AwsError.ContentType, body.WrittenMemory);
    }

    public async Task AnswerAsync(int status, string contentType, ReadOnlyMemory<byte> body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        if (!body.IsEmpty) await context.Response.Body.WriteAsync(body);
        await context.Response.CompleteAsync();
        _done.TrySetResult();
    }

    /// <summary>Begins a 200 whose body the test writes; <see cref="Abort"/> or <see cref="Finish"/> ends it.</summary>
    public async Task<Stream> BeginAsync(string contentType, string? sessionId = null)
    {
        context.Response.ContentType = contentType;
        if (sessionId is not null) context.Response.Headers[SessionId.HeaderName] = sessionId;
        await context.Response.Body.FlushAsync();
        return context.Response.Body;
    }

    public void Finish() => _done.TrySetResult();

    public void Abort()
    {
        // The context is gone once the request is done.
        if (_done.Task.IsCompleted) return;
        context.Abort();
        _done.TrySetResult();
    }

    public CancellationToken Aborted => context.RequestAborted;

    public async Task<ScriptedShell> AcceptAsync(string? sessionId = null, string? shellId = null)
    {
        if (sessionId is not null) context.Response.Headers[SessionId.HeaderName] = sessionId;
        if (shellId is not null) context.Response.Headers[ShellId.HeaderName] = shellId;
        return new ScriptedShell(this, await context.WebSockets.AcceptWebSocketAsync());
    }

    /// <summary>Accepts and confirms a shell in one go.</summary>
    public async Task<ScriptedShell> AttachAsync(bool reconnected = false, long bytesDropped = 0, long? inputOffset = null)
    {
        var shell = await AcceptAsync();
        await shell.ConfirmAsync(reconnected, bytesDropped, inputOffset, Query(ShellId.QueryName)!);
        return shell;
    }
}

/// <summary>The server's end of a shell socket.</summary>
internal sealed class ScriptedShell(ScriptedRequest request, WebSocket socket)
{
    private readonly byte[] _buffer = new byte[128 * 1024];

    public Task ConfirmAsync(bool reconnected, long bytesDropped, long? inputOffset, string shellId = "sh-1") =>
        StatusAsync(new ShellStatus.Confirmed(shellId, reconnected, bytesDropped, inputOffset));

    public Task StatusAsync(ShellStatus status)
    {
        var json = new ArrayBufferWriter<byte>();
        status.WriteTo(json);
        return SendAsync(ShellFrameChannel.Status, json.WrittenSpan.ToArray());
    }

    public Task PrintAsync(string text) => SendAsync(ShellFrameChannel.Stdout, Encoding.UTF8.GetBytes(text));

    public Task SendAsync(byte channel, params byte[] payload) =>
        SendRawAsync([channel, .. payload], WebSocketMessageType.Binary, endOfMessage: true);

    public Task SendRawAsync(byte[] bytes, WebSocketMessageType type, bool endOfMessage) =>
        socket.SendAsync(bytes, type, endOfMessage, CancellationToken.None);

    /// <summary>The next frame as channel and payload; the channel is null when the client closed or is gone.</summary>
    public async Task<(byte? Channel, byte[] Payload)> ReceiveAsync()
    {
        try
        {
            var received = await socket.ReceiveAsync(_buffer, CancellationToken.None).Within("a frame from the client");
            Assert.True(received.EndOfMessage);
            return received.MessageType == WebSocketMessageType.Close ? (null, []) : (_buffer[0], _buffer[1..received.Count]);
        }
        catch (WebSocketException)
        {
            return (null, []);
        }
    }

    public async Task<string> ReceiveStdinAsync()
    {
        var (channel, payload) = await ReceiveAsync();
        Assert.Equal(ShellFrameChannel.Stdin, channel);
        return Encoding.UTF8.GetString(payload);
    }

    public int? CloseCodeFromClient => (int?)socket.CloseStatus;

    /// <summary>Closes with a code and waits for nobody.</summary>
    public async Task CloseAsync(int code, string? description = null)
    {
        await socket.CloseOutputAsync((WebSocketCloseStatus)code, description, CancellationToken.None);
        request.Finish();
    }

    public void Drop() => request.Abort();
}
