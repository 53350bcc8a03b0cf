using System.Buffers;
using System.Text;
using System.Text.Json;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Client.Tests;

public sealed class CommandTests
{
    [Fact]
    public async Task A_command_is_a_signed_POST_and_its_events_come_as_they_happen()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var options = new CommandOptions { SessionId = new string('s', 40), Timeout = TimeSpan.FromSeconds(7), Qualifier = "prod" };
        var invoking = client.InvokeCommandAsync(ScriptedServer.RuntimeArn, "echo 'ä'", options);
        var request = await server.NextAsync();
        var body = await request.BodyAsync();
        Assert.IsType<SigV4Result.Valid>(request.Verify(body));
        Assert.Equal(("POST", "application/json", new string('s', 40)), (request.Method, request.Header("Content-Type"), request.Header(SessionId.HeaderName)));
        Assert.EndsWith("/commands?qualifier=prod", request.RawTarget);
        using var sent = JsonDocument.Parse(body);
        Assert.Equal(("echo 'ä'", 7), (sent.RootElement.GetProperty("command").GetString(), sent.RootElement.GetProperty("timeout").GetInt32()));

        var answer = await request.BeginAsync(EventStream.ContentType, new string('t', 40));
        await using var command = await invoking.Within("the answer's head");
        Assert.Equal(new string('t', 40), command.SessionId);
        var events = command.ReadAllAsync().GetAsyncEnumerator();
        await WriteAsync(answer, """{"contentStart":{}}""");
        await WriteAsync(answer, """{"contentDelta":{"stdout":"one ä\n"}}""");
        Assert.Equal(new CommandEvent.Stdout("one ä\n"), await NextAsync(events));
        await WriteAsync(answer, """{"contentDelta":{"stderr":"two"}}""");
        Assert.Equal(new CommandEvent.Stderr("two"), await NextAsync(events));
        await WriteAsync(answer, """{"contentStop":{"exitCode":3,"status":"COMPLETED"}}""");
        Assert.Equal(new CommandEvent.Exited(3, false), await NextAsync(events));
        request.Finish();
        Assert.False(await events.MoveNextAsync());
    }

    [Fact]
    public async Task A_command_whose_time_is_up_says_so()
    {
        await using var run = await Run.StartAsync();
        await WriteAsync(run.Answer, """{"contentStop":{"exitCode":-1,"status":"TIMED_OUT"}}""");
        Assert.Equal(new CommandEvent.Exited(-1, true), await NextAsync(run.Events));
    }

    [Fact]
    public async Task A_failure_in_the_stream_is_an_error_with_the_servers_message()
    {
        await using var run = await Run.StartAsync();
        var message = new ArrayBufferWriter<byte>();
        EventStream.WriteException(message, AwsError.RuntimeFailed("the sandbox died"));
        await run.Answer.WriteAsync(message.WrittenMemory);
        await run.Answer.FlushAsync();
        var failure = await Assert.ThrowsAsync<AgentCoreException>(() => NextAsync(run.Events));
        Assert.Equal(("RuntimeClientError", "the sandbox died"), (failure.Name, failure.Message));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_that_ends_without_an_exit_code_is_an_error(bool abort)
    {
        await using var run = await Run.StartAsync();
        await WriteAsync(run.Answer, """{"contentDelta":{"stdout":"half"}}""");
        Assert.Equal(new CommandEvent.Stdout("half"), await NextAsync(run.Events));
        if (abort) run.Request.Abort();
        else run.Request.Finish();
        var failure = await Assert.ThrowsAsync<AgentCoreException>(() => NextAsync(run.Events));
        Assert.Contains("before the command", failure.Message);
    }

    [Fact]
    public async Task Bytes_that_are_no_event_stream_are_an_error()
    {
        await using var run = await Run.StartAsync();
        await run.Answer.WriteAsync("hello, this is no event stream"u8.ToArray());
        await run.Answer.FlushAsync();
        Assert.Contains("cannot be read", (await Assert.ThrowsAsync<AgentCoreException>(() => NextAsync(run.Events))).Message);
    }

    [Fact]
    public async Task Disposing_a_running_command_hangs_up()
    {
        await using var run = await Run.StartAsync();
        var hungUp = new TaskCompletionSource();
        await using var registration = run.Request.Aborted.Register(hungUp.SetResult);
        await run.Command.DisposeAsync();
        await hungUp.Task.Within("the client to hang up");
    }

    [Fact]
    public async Task A_refused_command_is_reported_in_the_servers_own_words()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var client = server.Client();
        var invoking = client.InvokeCommandAsync(ScriptedServer.RuntimeArn, "true");
        await (await server.NextAsync()).RefuseAsync(AwsError.NotFound("there is no such runtime"));
        Assert.Equal((404, "there is no such runtime"), await Assert.ThrowsAsync<AgentCoreException>(() => invoking) is var e ? (e.Status, e.Message) : default);
    }

    private static async Task WriteAsync(Stream answer, string json)
    {
        var message = new ArrayBufferWriter<byte>();
        EventStream.WriteChunk(message, Encoding.UTF8.GetBytes(json));

        // In two pieces, as a network may cut it.
        await answer.WriteAsync(message.WrittenMemory[..9]);
        await answer.FlushAsync();
        await answer.WriteAsync(message.WrittenMemory[9..]);
        await answer.FlushAsync();
    }

    private static async Task<CommandEvent> NextAsync(IAsyncEnumerator<CommandEvent> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().Within("an event"));
        return events.Current;
    }

    private sealed record Run(ScriptedServer Server, AgentCoreClient Client, ScriptedRequest Request, Stream Answer, CommandExecution Command) : IAsyncDisposable
    {
        public IAsyncEnumerator<CommandEvent> Events { get; } = Command.ReadAllAsync().GetAsyncEnumerator();

        public static async Task<Run> StartAsync()
        {
            var server = await ScriptedServer.StartAsync();
            var client = server.Client();
            var invoking = client.InvokeCommandAsync(ScriptedServer.RuntimeArn, "true");
            var request = await server.NextAsync();
            var answer = await request.BeginAsync(EventStream.ContentType);
            return new Run(server, client, request, answer, await invoking.Within("the answer's head"));
        }

        public async ValueTask DisposeAsync()
        {
            await Command.DisposeAsync();
            Client.Dispose();
            await Server.DisposeAsync();
        }
    }
}
