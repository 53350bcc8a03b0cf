using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests;

/// <summary>
/// Requests of the data plane as botocore 1.43.11 writes and signs them, recorded: the ARN percent-encoded in the path, no
/// <c>x-amz-content-sha256</c>, and the types among the signed headers. Debian's own does not know these operations yet.
/// </summary>
public sealed class BotoDataTests(SharedServer shared)
{
    private readonly string _session = Guid.NewGuid().ToString();

    [Fact]
    public async Task The_requests_that_boto3_makes_of_a_session_are_understood()
    {
        var runtime = $"/runtimes/{Uri.EscapeDataString(await AgentRuntime.OfPythonAsync(shared.Server, TestAgent.Source))}";
        using var invoked = await SendAsync(HttpMethod.Post, $"{runtime}/invocations?qualifier=DEFAULT", """{"prompt":"hello"}""", "text/event-stream");
        Assert.Equal((200, """{"prompt":"hello"}"""), ((int)invoked.StatusCode, await TextAsync(invoked)));
        Assert.Equal("application/json", invoked.Content.Headers.ContentType!.ToString());

        using var ran = await SendAsync(HttpMethod.Post, $"{runtime}/commands", """{"command": "echo out", "timeout": 20}""");
        Assert.Equal("application/vnd.amazon.eventstream", ran.Content.Headers.ContentType!.ToString());
        var events = await TextAsync(ran);
        Assert.Contains("""{"contentDelta":{"stdout":"out\n"}}""", events, StringComparison.Ordinal);
        Assert.Contains("""{"contentStop":{"exitCode":0,"status":"COMPLETED"}}""", events, StringComparison.Ordinal);

        using var stopped = await SendAsync(HttpMethod.Post, $"{runtime}/stopruntimesession", """{"clientToken": "3ebd2875-3274-4117-835a-9b43dae99515"}""");
        Assert.Equal(200, (int)stopped.StatusCode);
        using var again = await SendAsync(HttpMethod.Post, $"{runtime}/stopruntimesession", """{"clientToken": "3ebd2875-3274-4117-835a-9b43dae99516"}""");
        Assert.Equal((404, "ResourceNotFoundException"), ((int)again.StatusCode, again.Headers.GetValues("x-amzn-ErrorType").Single()));
    }

    [Fact]
    public async Task The_request_that_boto3_makes_for_an_agents_card_is_understood()
    {
        var arn = await AgentRuntime.OfPythonAsync(shared.Server, TestAgent.Source, static configuration =>
        {
            configuration["protocolConfiguration"] = new JsonObject { ["serverProtocol"] = "A2A" };
            configuration["environmentVariables"]!["AGENT_PORT"] = "9000";
        });
        using var card = await SendAsync(HttpMethod.Get, $"/runtimes/{Uri.EscapeDataString(arn)}/invocations/.well-known/agent-card.json", null);
        Assert.Equal(200, (int)card.StatusCode);

        // The test's agent has one answer for whatever is got from it.
        Assert.Equal("Healthy", JsonElement.Parse(await TextAsync(card)).GetProperty("status").GetString());
    }

    private static Task<string> TextAsync(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string target, string? body, string? accept = null)
    {
        using var http = new HttpClient { Timeout = Patience.Limit };
        Assert.True(RequestTarget.TryParse(target, out var parsed));
        List<KeyValuePair<string, string>> signed = [new("host", shared.Server.EndPoint.ToString()), new(ApiClient.SessionHeader, _session)];
        if (accept is not null)
            signed.Add(new("accept", accept));
        if (body is not null)
            signed.Add(new("content-type", "application/json"));
        var bytes = System.Text.Encoding.UTF8.GetBytes(body ?? "");
        using var request = new HttpRequestMessage(method, new Uri(shared.Server.Url, target));
        if (body is not null)
            request.Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        var signature = new SigV4Signer(shared.Server.Credentials, shared.Server.Region)
            .SignHeaders(new SigV4Request(method.Method, parsed, signed), SigV4.Sha256Hex(bytes), DateTimeOffset.UtcNow);
        foreach (var (name, value) in signed.Where(static header => header.Key != "content-type").Concat(signature))
            request.Headers.TryAddWithoutValidation(name, value);
        request.Headers.TryAddWithoutValidation("amz-sdk-invocation-id", "25591b0a-6f5a-4142-8479-8bd8a826ae39");
        request.Headers.TryAddWithoutValidation("amz-sdk-request", "attempt=1");
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
