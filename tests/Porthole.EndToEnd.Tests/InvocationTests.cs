using System.Text.Json;
using System.Text.Json.Nodes;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Protocol.Aws;

namespace Porthole.EndToEnd.Tests;

/// <summary>Invocations of a real agent in a real sandbox (contract section 9).</summary>
public sealed class InvocationTests(SharedServer shared)
{
    private readonly TestServer _server = shared.Server;

    [Fact]
    public async Task The_body_reaches_the_agent_and_its_answer_the_client_with_type_and_session()
    {
        using var agent = await StartAsync();
        using var answer = await agent.StartAsync("echo", "Grüße");
        Assert.Equal("Grüße", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal(agent.SessionId, answer.Headers.GetValues(ApiClient.SessionHeader).Single());
        Assert.Equal("", await agent.AskAsync("echo"));
    }

    [Fact]
    public async Task Events_arrive_one_by_one_while_the_agent_is_still_at_work()
    {
        using var agent = await StartAsync();
        using var shell = new ApiClient(_server, runtimeArn: agent.RuntimeArn);
        using var answer = await agent.StartAsync("events", "3");
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        for (var number = 0; number < 3; number++)
        {
            // The agent says the next word only when this one was seen.
            Assert.Equal($"data: {number}", await lines.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().InTime());
            Assert.Equal("", await lines.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().InTime());
            Assert.Equal(0, (await shell.RunCommandAsync(agent.SessionId, $"touch /tmp/go-{number}")).ExitCode);
        }

        Assert.Null(await lines.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().InTime());
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Fifty_megabytes_go_in_whole_whatever_the_client_says_beforehand(bool declaresHash, bool declaresLength)
    {
        using var agent = await StartAsync();
        await agent.AskAsync("echo");
        var body = new byte[50_000_000];
        new Random(1).NextBytes(body);
        var hash = SigV4.Sha256Hex(body);
        HttpContent content = declaresLength ? new ByteArrayContent(body) : new UnsizedContent(body);
        using var answer = await agent.StartAsync("hash", content, hash, declaresHash);
        var seen = JsonElement.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((hash, body.Length), (seen.GetProperty("sha256").GetString(), seen.GetProperty("bytes").GetInt32()));

        // The file goes when the request is over, which is after its answer has been read; other tests have theirs there too.
        await Patience.UntilAsync("the spool to be empty", () => !Directory.EnumerateFileSystemEntries(Path.Combine(_server.DataDirectory, "spool")).Any());
    }

    [Fact]
    public async Task A_large_answer_waits_for_its_reader_outside_the_server()
    {
        await using var server = await TestServer.StartAsync();
        using var agent = await StartAsync(server);
        await agent.AskAsync("zeros", "65536");
        var before = server.ResidentBytes;
        const int bytes = 1600 * 65536;
        using var answer = await agent.StartAsync("zeros", $"{bytes}");
        await using var stream = await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var read = 0L;
        var buffer = new byte[1 << 20];
        for (int count; (count = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken)) > 0;)
        {
            read += count;
            Assert.InRange(server.ResidentBytes - before, -(1L << 30), 48L << 20);
        }

        Assert.Equal(bytes, read);
    }

    [Fact]
    public async Task A_body_that_is_not_the_signed_one_is_refused_and_never_reaches_the_agent_whole()
    {
        using var agent = await StartAsync();
        await agent.AskAsync("echo");
        using var answer = await agent.StartAsync("print", new ByteArrayContent(new byte[300_000]), SigV4.Sha256Hex("something else"u8));
        Assert.Equal(403, (int)answer.StatusCode);
        Assert.Contains("SHA-256", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.DoesNotContain("an error too", await agent.ReadLogAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_than_a_hundred_megabytes_are_refused()
    {
        using var agent = await StartAsync();
        using var content = new ByteArrayContent(new byte[100_000_001]);
        using var answer = await agent.StartAsync("hash", content, SigV4.EmptySha256, headers: [new("Expect", "100-continue")]);
        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Contains("100000000", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("400")]
    [InlineData("404")]
    [InlineData("500")]
    [InlineData("302")]
    public async Task The_agents_own_errors_are_hidden_behind_424(string status)
    {
        using var agent = await StartAsync();
        Assert.Equal($"Received error ({status}) from runtime. Please check your CloudWatch logs for more information.", await agent.FailAsync("status", status));
    }

    [Fact]
    public async Task Garbage_for_an_answer_is_424()
    {
        using var agent = await StartAsync();
        Assert.Contains("did not answer in HTTP", await agent.FailAsync("garbage"), StringComparison.Ordinal);
        Assert.Equal("still here", await agent.AskAsync("echo", "still here"));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_cut_off_for_the_client_too()
    {
        using var agent = await StartAsync();
        using var answer = await agent.StartAsync("cut");
        await Assert.ThrowsAnyAsync<Exception>(() => answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_agent_that_dies_fails_its_callers_and_the_next_invocation_starts_it_again()
    {
        using var agent = await StartAsync();
        Assert.Contains("broke the connection off", await agent.FailAsync("exit", "3"), StringComparison.Ordinal);
        Assert.Equal("again", await agent.AskAsync("echo", "again"));
        await Patience.UntilAsync("its end to be logged", () => _server.Log.Text.Contains($"{agent.SessionId}: its agent is not running: it has ended with exit code 3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_that_leaves_takes_its_request_with_it_and_the_agent_stays()
    {
        using var agent = await StartAsync();
        await agent.AskAsync("echo");
        using (var client = new AgentClient(_server, agent.RuntimeArn, agent.SessionId))
        {
            var waiting = client.StartAsync("hang");
            await agent.WaitForLogAsync("hanging");
            client.Leave();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        await agent.WaitForLogAsync("hung up");
        Assert.Equal("still here", await agent.AskAsync("echo", "still here"));
    }

    [Fact]
    public async Task Headers_reach_the_agent_by_the_list_and_no_other_way()
    {
        using var agent = await StartAsync(configure: configuration => configuration["requestHeaderConfiguration"] = new JsonObject
        {
            ["requestHeaderAllowlist"] = new JsonArray("X-Allowed", "Authorization", "x-amz-date", "Cookie"),
        });
        var seen = JsonSerializer.Deserialize<string[][]>(await agent.AskAsync("headers", "",
            new("X-Allowed", "yes"), new("X-Other", "no"), new("Cookie", "no"), new(AgentClient.Custom + "Word", "mine"), new("traceparent", "00-1-2-01"),
            new("baggage", "a=b"), new("Mcp-Session-Id", "mcp"), new("Accept", "text/event-stream")))!.ToLookup(pair => pair[0], pair => pair[1]);
        Assert.Equal([agent.SessionId], seen["x-amzn-bedrock-agentcore-runtime-session-id"]);
        Assert.True(Guid.TryParse(seen["x-amzn-bedrock-agentcore-runtime-request-id"].Single(), out _));
        Assert.Equal(["yes"], seen["x-allowed"]);
        Assert.Equal(["mine"], seen[AgentClient.Custom.ToLowerInvariant() + "word"]);
        Assert.Equal(["00-1-2-01"], seen["traceparent"]);
        Assert.Equal(["a=b"], seen["baggage"]);
        Assert.Equal(["mcp"], seen["mcp-session-id"]);
        Assert.Equal(["text/event-stream"], seen["accept"]);
        Assert.Equal(["127.0.0.1:8080"], seen["host"]);
        Assert.Empty(seen["x-other"].Concat(seen["cookie"]).Concat(seen["authorization"]).Concat(seen["x-amz-date"]).Concat(seen["x-amz-content-sha256"]));
    }

    [Fact]
    public async Task The_agent_knows_its_runtime_its_session_and_the_runtimes_variables()
    {
        using var agent = await StartAsync(configure: configuration => configuration["environmentVariables"]!["GREETING"] = "hello world");
        var seen = JsonElement.Parse(await agent.AskAsync("environment"));
        Assert.Equal("hello world", seen.GetProperty("GREETING").GetString());
        Assert.Equal($"{_server.Url.ToString().TrimEnd('/')}{agent.Path("invocations")}/", seen.GetProperty("AGENTCORE_RUNTIME_URL").GetString());
        Assert.Contains(agent.RuntimeArn, seen.GetProperty("OTEL_RESOURCE_ATTRIBUTES").GetString(), StringComparison.Ordinal);
        Assert.Equal(agent.SessionId, seen.GetProperty("PORTHOLE_SESSION_ID").GetString());
        Assert.False(seen.TryGetProperty("AWS_SECRET_ACCESS_KEY", out _));
    }

    [Theory]
    [InlineData("MCP", 8000)]
    [InlineData("A2A", 9000)]
    [InlineData("AGUI", 8080)]
    public async Task Each_protocol_has_its_port(string protocol, int port)
    {
        using var agent = await StartAsync(configure: configuration =>
        {
            configuration["protocolConfiguration"] = new JsonObject { ["serverProtocol"] = protocol };
            configuration["environmentVariables"]!["AGENT_PORT"] = $"{port}";
        });
        Assert.Equal("hello", await agent.AskAsync("echo", "hello"));
        using var card = await agent.GetAsync(agent.Path("invocations/.well-known/agent-card.json"));
        Assert.Equal(protocol == "A2A" ? 200 : 400, (int)card.StatusCode);
    }

    [Fact]
    public async Task A_runtime_without_an_agent_says_so()
    {
        using var agent = new AgentClient(_server, _server.RuntimeArn);
        Assert.Contains("no agent", await agent.FailAsync("echo"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_agent_outlives_the_server_and_the_next_one_goes_on_with_it()
    {
        await using var server = await TestServer.StartAsync();
        using var agent = await StartAsync(server);
        var before = JsonElement.Parse(await agent.AskAsync("environment"));
        await agent.WaitForLogAsync("starting as");
        await server.KillAsync();
        await server.StartAgainAsync();
        await agent.AskAsync("echo");
        Assert.Equal(before.GetProperty("PORTHOLE_SESSION_ID").GetString(), agent.SessionId);
        Assert.Equal(1, (await agent.ReadLogAsync()).Split("starting as").Length - 1);
    }

    private Task<AgentClient> StartAsync(TestServer? server = null, Action<JsonObject>? configure = null) => AgentClient.OfNewRuntimeAsync(server ?? _server, configure);

    /// <summary>A body whose length is not announced.</summary>
    private sealed class UnsizedContent(byte[] body) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) => stream.WriteAsync(body).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
