using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests;

public sealed class AgentTests
{
    [Fact]
    public async Task An_invocation_is_a_signed_POST_and_its_answer_is_read_as_it_comes()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var options = new InvokeOptions { SessionId = new string('s', 40), Qualifier = "prod", ContentType = "text/plain; charset=utf-8", Accept = "text/event-stream" };
        var invoking = client.InvokeAsync(ScriptedServer.RuntimeArn, "Grüße"u8.ToArray(), options);
        var request = await server.NextAsync();
        var body = await request.BodyAsync();
        Assert.IsType<SigV4Result.Valid>(request.Verify(body));
        Assert.Equal("Grüße"u8.ToArray(), body);
        Assert.Equal(("POST", "text/plain; charset=utf-8", "text/event-stream"), (request.Method, request.Header("Content-Type"), request.Header("Accept")));
        Assert.Equal(new string('s', 40), request.Header(SessionId.HeaderName));
        Assert.EndsWith("/invocations?qualifier=prod", request.RawTarget);

        var written = await request.BeginAsync("text/event-stream", new string('t', 40));
        await using var answer = await invoking.Within("the answer's head");
        Assert.Equal((new string('t', 40), "text/event-stream"), (answer.SessionId, answer.ContentType));
        await using var pieces = answer.ReadAllAsync().GetAsyncEnumerator();
        foreach (var piece in (string[])["data: 1\n\n", "data: 2\n\n"])
        {
            await written.WriteAsync(System.Text.Encoding.UTF8.GetBytes(piece), TestContext.Current.CancellationToken);
            await written.FlushAsync(TestContext.Current.CancellationToken);
            Assert.True(await pieces.MoveNextAsync().AsTask().Within("a piece"));
            Assert.Equal(piece, System.Text.Encoding.UTF8.GetString(pieces.Current.Span));
        }

        request.Finish();
        Assert.False(await pieces.MoveNextAsync().AsTask().Within("the end"));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_an_error()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var invoking = client.InvokeAsync(ScriptedServer.RuntimeArn, "{}"u8.ToArray());
        var request = await server.NextAsync();
        await request.BeginAsync("application/json");
        await using var answer = await invoking.Within("the answer's head");
        request.Abort();
        var failure = await Assert.ThrowsAsync<AgentCoreException>(async () =>
        {
            await foreach (var _ in answer.ReadAllAsync())
            {
            }
        });
        Assert.Contains("broke off", failure.Message);
    }

    [Fact]
    public async Task A_failed_agent_is_an_error_with_the_servers_words_and_no_content_type_is_sent_that_is_none()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var invoking = client.InvokeAsync(ScriptedServer.RuntimeArn, "{}"u8.ToArray());
        await (await server.NextAsync()).RefuseAsync(AwsError.RuntimeFailed("Received error (500) from runtime."));
        var failure = await Assert.ThrowsAsync<AgentCoreException>(() => invoking);
        Assert.Equal((424, "RuntimeClientError", "Received error (500) from runtime."), (failure.Status, failure.Name, failure.Message));
        await Assert.ThrowsAsync<AgentCoreException>(() => client.InvokeAsync(ScriptedServer.RuntimeArn, default, new InvokeOptions { ContentType = "nonsense" }));
    }

    [Fact]
    public async Task The_log_is_asked_for_by_runtime_and_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var reading = client.ReadAgentLogAsync(ScriptedServer.RuntimeArn, new string('s', 40), follow: true);
        var request = await server.NextAsync();
        Assert.IsType<SigV4Result.Valid>(request.Verify());
        Assert.StartsWith("/porthole/v1/logs?", request.RawTarget);
        Assert.Equal((ScriptedServer.RuntimeArn, new string('s', 40), "true"), (request.Query("runtime"), request.Query("sessionId"), request.Query("follow")));
        await request.AnswerAsync(200, "text/plain", "words"u8.ToArray());
        await using var log = await reading.Within("the log");
        await using var pieces = log.ReadAllAsync().GetAsyncEnumerator();
        Assert.True(await pieces.MoveNextAsync());
        Assert.Equal("words"u8.ToArray(), pieces.Current.ToArray());
    }
}
