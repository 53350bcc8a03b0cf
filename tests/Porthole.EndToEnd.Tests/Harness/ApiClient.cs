using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>Signed requests, as the official clients make them.</summary>
/// <param name="server">The server.</param>
/// <param name="credentials">Who asks; the holder of the server's first key by default.</param>
/// <param name="runtimeArn">The runtime of requests that are for one; the server's own by default.</param>
internal sealed class ApiClient(TestServer server, SigV4Credentials? credentials = null, string? runtimeArn = null) : IDisposable
{
    public const string SessionHeader = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

    private readonly HttpClient _http = server.NewHttpClient();

    /// <summary>The trace that requests are part of.</summary>
    public string? TraceParent { get; set; }

    public string RuntimePath(string operation) => $"/runtimes/{Uri.EscapeDataString(runtimeArn ?? server.RuntimeArn)}/{operation}";

    public Task<HttpResponseMessage> StopSessionAsync(string sessionId) => PostAsync(RuntimePath("stopruntimesession"), "", sessionId);

    /// <summary>Starts a command; the answer's body is still to be read.</summary>
    public Task<HttpResponseMessage> StartCommandAsync(string sessionId, string command, int? timeoutSeconds = null, CancellationToken cancellationToken = default) =>
        PostAsync(RuntimePath("commands"), JsonSerializer.Serialize(new Dictionary<string, object?> { ["command"] = command, ["timeout"] = timeoutSeconds }), sessionId, cancellationToken);

    /// <summary>Runs a command to its end.</summary>
    public async Task<CommandResult> RunCommandAsync(string sessionId, string command, int? timeoutSeconds = null)
    {
        using var response = await StartCommandAsync(sessionId, command, timeoutSeconds);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {await (response.IsSuccessStatusCode ? Task.FromResult("") : response.Content.ReadAsStringAsync())}");
        return await ReadResultAsync(response);
    }

    public static async Task<CommandResult> ReadResultAsync(HttpResponseMessage response)
    {
        var events = new List<EventStreamMessage>();
        await foreach (var message in ReadEventsAsync(response))
            events.Add(message);
        return CommandResult.Of(events);
    }

    /// <summary>The answer's events, as they arrive.</summary>
    public static async IAsyncEnumerable<EventStreamMessage> ReadEventsAsync(HttpResponseMessage response)
    {
        using var deadline = Patience.Deadline();
        var reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(deadline.Token));
        while (true)
        {
            var read = await reader.ReadAsync(deadline.Token);
            var buffer = read.Buffer;
            while (EventStreamReader.TryRead(ref buffer, out var message))
                yield return message;
            if (read.IsCompleted)
            {
                Assert.True(buffer.IsEmpty, "the stream ends inside an event");
                yield break;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    public async Task<JsonElement> ListSessionsAsync()
    {
        using var response = await SendAsync(HttpMethod.Get, "/porthole/v1/sessions", "", null, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return JsonElement.Parse(await response.Content.ReadAsByteArrayAsync());
    }

    public Task<HttpResponseMessage> PostAsync(string target, string body, string? sessionId = null, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Post, target, body, sessionId, cancellationToken);

    /// <summary>Any request, signed as boto3 signs.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string target, string body) =>
        SendAsync(method, target, body, null, TestContext.Current.CancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string target, string body, string? sessionId, CancellationToken cancellationToken)
    {
        Assert.True(RequestTarget.TryParse(target, out var parsed));
        List<KeyValuePair<string, string>> headers = [new("Host", server.EndPoint.ToString())];
        if (sessionId is not null)
            headers.Add(new(SessionHeader, sessionId));
        var bytes = Encoding.UTF8.GetBytes(body);
        using var request = new HttpRequestMessage(method, new Uri(server.Url, target));
        if (method == HttpMethod.Post || body.Length > 0)
        {
            request.Content = new ByteArrayContent(bytes);
            request.Content.Headers.ContentType = new("application/json");
        }

        var signed = new SigV4Signer(credentials ?? server.Credentials, server.Region)
            .SignHeaders(new SigV4Request(method.Method, parsed, headers), SigV4.Sha256Hex(bytes), DateTimeOffset.UtcNow);
        foreach (var (name, value) in headers.Concat(signed))
            request.Headers.TryAddWithoutValidation(name, value);
        if (TraceParent is not null)
            request.Headers.TryAddWithoutValidation("traceparent", TraceParent);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }
}

/// <summary>All that a command said.</summary>
internal sealed record CommandResult(string Stdout, string Stderr, int? ExitCode, string? Status, string? Exception, IReadOnlyList<EventStreamMessage> Events)
{
    public static CommandResult Of(IReadOnlyList<EventStreamMessage> events)
    {
        var (stdout, stderr) = (new StringBuilder(), new StringBuilder());
        int? exitCode = null;
        string? status = null, exception = null;
        foreach (var message in events)
        {
            if (message.MessageType == "exception")
            {
                exception = message.ExceptionType;
                continue;
            }

            var payload = JsonElement.Parse(message.Payload.Span);
            if (payload.TryGetProperty("contentDelta", out var delta))
            {
                stdout.Append(delta.TryGetProperty("stdout", out var text) ? text.GetString() : "");
                stderr.Append(delta.TryGetProperty("stderr", out text) ? text.GetString() : "");
            }

            if (payload.TryGetProperty("contentStop", out var stop))
                (exitCode, status) = (stop.GetProperty("exitCode").GetInt32(), stop.GetProperty("status").GetString());
        }

        return new CommandResult(stdout.ToString(), stderr.ToString(), exitCode, status, exception, events);
    }
}
