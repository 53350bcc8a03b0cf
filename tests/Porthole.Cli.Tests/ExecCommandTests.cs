using System.Buffers;
using System.Text;
using System.Text.Json;
using Porthole.Client.Tests;
using Porthole.Posix;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Cli.Tests;

public sealed class ExecCommandTests
{
    private static readonly string SomeSession = new('s', 36);

    [Fact]
    public async Task Output_error_and_exit_code_are_the_commands_own()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["exec", "--session-id", SomeSession, "--timeout", "9", "--", "sh", "-c", "echo it's", "--json", ""], server);
        var request = await server.NextAsync();
        using (var body = JsonDocument.Parse(await request.BodyAsync()))
        {
            Assert.Equal("""'sh' -c 'echo it'\''s' --json ''""", body.RootElement.GetProperty("command").GetString());
            Assert.Equal(9, body.RootElement.GetProperty("timeout").GetInt32());
        }

        await AnswerAsync(request, """{"contentDelta":{"stdout":"out ä"}}""", """{"contentDelta":{"stderr":"err\n"}}""", """{"contentStop":{"exitCode":3,"status":"COMPLETED"}}""");
        Assert.Equal(new PortholeResult(3, "out ä", "err\n"), await running);
        Assert.False(server.HasRequest);
    }

    [Fact]
    public async Task A_command_without_a_session_gets_one_that_ends_with_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["exec", "true"], server);
        var request = await server.NextAsync();
        await AnswerAsync(request, """{"contentStop":{"exitCode":0,"status":"COMPLETED"}}""");
        var stop = await server.NextAsync();
        Assert.EndsWith("/stopruntimesession", stop.RawTarget);
        Assert.Equal(request.Header(SessionId.HeaderName), stop.Header(SessionId.HeaderName));
        await stop.RefuseAsync(AwsError.NotFound("gone already"));
        Assert.Equal(new PortholeResult(0, "", ""), await running);
    }

    [Fact]
    public async Task Json_is_one_line_with_the_official_members()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["exec", "--json", "--session-id", SomeSession, "--", "x"], server);
        await AnswerAsync(
            await server.NextAsync(), """{"contentDelta":{"stdout":"a\n"}}""", """{"contentDelta":{"stdout":"b"}}""", """{"contentStop":{"exitCode":1,"status":"COMPLETED"}}""");
        Assert.Equal(new PortholeResult(1, """{"success":false,"exitCode":1,"stdout":"a\nb","stderr":""}""" + "\n", ""), await running);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_refusal_is_255_with_the_servers_words(bool json)
    {
        await using var server = await ScriptedServer.StartAsync();
        string[] arguments = ["exec", "--session-id", SomeSession, .. json ? new[] { "--json" } : [], "--", "x"];
        var running = PortholeProcess.RunAsync(arguments, server);
        await (await server.NextAsync()).RefuseAsync(AwsError.RuntimeFailed("no space"));
        var result = await running;
        Assert.Equal(255, result.ExitCode);
        Assert.Equal(
            json ? """{"success":false,"stdout":"","stderr":"","error":"no space (request request-1)"}""" + "\n" : "porthole: no space (request request-1)\n",
            json ? result.Output : result.Error);
    }

    [Fact]
    public async Task A_timeout_is_124()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["exec", "--session-id", SomeSession, "--", "x"], server);
        await AnswerAsync(await server.NextAsync(), """{"contentDelta":{"stdout":"half"}}""", """{"contentStop":{"exitCode":-1,"status":"TIMED_OUT"}}""");
        Assert.Equal(new PortholeResult(124, "half", "porthole: the command was ended because its time was up\n"), await running);
    }

    [Theory]
    [InlineData(Libc.SIGINT)]
    [InlineData(Libc.SIGTERM)]
    public async Task A_signal_hangs_up_so_that_the_server_ends_the_command(int signal)
    {
        await using var server = await ScriptedServer.StartAsync();
        var pid = 0;
        var running = PortholeProcess.RunAsync(["exec", "--session-id", SomeSession, "--", "sleep", "100"], server, started: process => pid = process.Id);
        var request = await server.NextAsync();
        var hungUp = new TaskCompletionSource();
        await using var registration = request.Aborted.Register(hungUp.SetResult);
        var answer = await request.BeginAsync(EventStream.ContentType);
        await WriteAsync(answer, """{"contentStart":{}}""");
        Assert.Equal(0, Libc.Kill(pid, signal));
        await hungUp.Task.Within("the client to hang up");
        Assert.Equal(128 + signal, (await running).ExitCode);
    }

    [Fact]
    public async Task A_reader_that_leaves_ends_the_command()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.StartBash(server, $"set -o pipefail; $PORTHOLE exec --session-id {SomeSession} -- yes | head -c 3; echo \" code $?\"");
        var request = await server.NextAsync();
        var hungUp = new TaskCompletionSource();
        await using var registration = request.Aborted.Register(hungUp.SetResult);
        var answer = await request.BeginAsync(EventStream.ContentType);
        while (!hungUp.Task.IsCompleted) await WriteAsync(answer, """{"contentDelta":{"stdout":"y\ny\n"}}""");
        await run.SeesAsync("code 141");
    }

    [Theory]
    [InlineData("--timeout 0 -- x", "--timeout goes from 1 to 3600 seconds")]
    [InlineData("--timeout x -- x", "Cannot parse argument 'x' for option '--timeout'")]
    [InlineData("", "Required argument missing for command: 'exec'.")]
    public async Task A_wrong_command_line_is_2_and_says_where_to_read_on(string arguments, string message)
    {
        var result = await PortholeProcess.RunAsync(["exec", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error);
        Assert.EndsWith("Try: porthole exec --help\n", result.Error);
    }

    [Fact]
    public async Task A_word_that_begins_with_an_at_sign_is_no_file_of_arguments()
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["exec", "--session-id", SomeSession, "--", "echo", "@/etc/hostname", "--", "[x]"], server);
        var request = await server.NextAsync();
        using (var body = JsonDocument.Parse(await request.BodyAsync()))
            Assert.Equal("'echo' @/etc/hostname -- '[x]'", body.RootElement.GetProperty("command").GetString());
        await AnswerAsync(request, """{"contentStop":{"exitCode":0,"status":"COMPLETED"}}""");
        Assert.Equal(0, (await running).ExitCode);
    }

    private static async Task AnswerAsync(ScriptedRequest request, params string[] events)
    {
        var answer = await request.BeginAsync(EventStream.ContentType);
        await WriteAsync(answer, """{"contentStart":{}}""");
        foreach (var json in events) await WriteAsync(answer, json);
        request.Finish();
    }

    private static async Task WriteAsync(Stream answer, string json)
    {
        var message = new ArrayBufferWriter<byte>();
        EventStream.WriteChunk(message, Encoding.UTF8.GetBytes(json));
        try
        {
            await answer.WriteAsync(message.WrittenMemory);
            await answer.FlushAsync();
        }
        catch (OperationCanceledException)
        {
            // The client has hung up, which some tests wait for.
        }
    }
}
