using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>Invokes one session of a runtime with a <see cref="TestAgent"/>, signed as the official clients do it.</summary>
internal sealed class AgentClient(TestServer server, string runtimeArn, string? sessionId = null) : IDisposable
{
    public const string Custom = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-";

    private readonly HttpClient _http = server.NewHttpClient();

    public string RuntimeArn => runtimeArn;

    public string SessionId { get; } = sessionId ?? Guid.NewGuid().ToString("D");

    public string Path(string operation) => $"/runtimes/{Uri.EscapeDataString(runtimeArn)}/{operation}";

    /// <summary>Makes a runtime whose agent is a <see cref="TestAgent"/>.</summary>
    public static async Task<AgentClient> OfNewRuntimeAsync(TestServer server, Action<JsonObject>? configure = null) =>
        new(server, await AgentRuntime.OfPythonAsync(server, TestAgent.Source, configure));

    /// <summary>Invokes; the answer's body is still to be read.</summary>
    /// <param name="kind">What the agent is to do.</param>
    /// <param name="body">The body, sent as it is read.</param>
    /// <param name="sha256">The hash to sign for.</param>
    /// <param name="declare">Whether the hash is in a header; boto3 leaves it out.</param>
    /// <param name="headers">More headers, unsigned.</param>
    public Task<HttpResponseMessage> StartAsync(
        string kind, HttpContent body, string sha256, bool declare = true, IEnumerable<KeyValuePair<string, string>>? headers = null) =>
        SendAsync(HttpMethod.Post, Path("invocations"), body, sha256, declare, [new(Custom + "Kind", kind), .. headers ?? []]);

    public Task<HttpResponseMessage> StartAsync(string kind, string body = "", params IEnumerable<KeyValuePair<string, string>> headers)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("text/plain") } };
        return StartAsync(kind, content, SigV4.Sha256Hex(bytes), headers: headers);
    }

    /// <summary>Leaves the requests that are under way.</summary>
    public void Leave() => _http.CancelPendingRequests();

    public Task<HttpResponseMessage> GetAsync(string target) => SendAsync(HttpMethod.Get, target, null, SigV4.EmptySha256, true, []);

    /// <summary>Invokes and reads the whole answer, which must be of success.</summary>
    public async Task<string> AskAsync(string kind, string body = "", params IEnumerable<KeyValuePair<string, string>> headers)
    {
        using var response = await StartAsync(kind, body, headers);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {text}");
        Assert.Equal(SessionId, response.Headers.GetValues(ApiClient.SessionHeader).Single());
        return text;
    }

    /// <summary>Invokes, and expects the error of a failed agent.</summary>
    /// <returns>Its message.</returns>
    public async Task<string> FailAsync(string kind, string body = "")
    {
        using var response = await StartAsync(kind, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == 424, $"{(int)response.StatusCode} {text}");
        Assert.Equal("RuntimeClientError", response.Headers.GetValues("x-amzn-ErrorType").Single());
        return JsonElement.Parse(text).GetProperty("message").GetString()!;
    }

    /// <summary>What the agent has printed.</summary>
    public async Task<string> ReadLogAsync()
    {
        using var answer = await GetAsync($"/porthole/v1/logs?runtime={Uri.EscapeDataString(runtimeArn)}&sessionId={SessionId}");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    /// <summary>Waits until the agent has printed something.</summary>
    public Task WaitForLogAsync(string text) =>
        Patience.UntilAsync($"the agent to print '{text}'", async () => (await ReadLogAsync()).Contains(text, StringComparison.Ordinal));

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string target, HttpContent? body, string sha256, bool declare, IEnumerable<KeyValuePair<string, string>> more)
    {
        Assert.True(RequestTarget.TryParse(target, out var parsed));
        List<KeyValuePair<string, string>> headers = [new("Host", server.EndPoint.ToString()), new(ApiClient.SessionHeader, SessionId)];
        if (declare)
            headers.Add(new(SigV4.ContentSha256Header, sha256));
        using var request = new HttpRequestMessage(method, new Uri(server.Url, target)) { Content = body };
        var signed = new SigV4Signer(server.Credentials, server.Region).SignHeaders(new SigV4Request(method.Method, parsed, headers), sha256, DateTimeOffset.UtcNow);
        foreach (var (name, value) in headers.Concat(signed).Concat(more))
            request.Headers.TryAddWithoutValidation(name, value);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }
}
