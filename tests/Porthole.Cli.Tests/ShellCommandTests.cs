using Porthole.Client.Tests;
using Porthole.Posix;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;

namespace Porthole.Cli.Tests;

public sealed class ShellCommandTests
{
    private static readonly string SomeSession = new('s', 36);

    [Fact]
    public async Task A_shell_is_raw_sized_and_exact_and_its_exit_code_is_ours()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        Assert.True(run.IsCooked);
        var shell = await (await server.NextAsync()).AttachAsync();
        Assert.Equal("""{"width":80,"height":24}""", await ResizeAsync(shell));
        Assert.False(run.IsCooked);

        // Every key goes to the shell as it is: interrupt, suspend, end of file, carriage return, flow control.
        run.Press("\u0003\u001a\u0004\r\u0011\u0013ä");
        Assert.Equal("\u0003\u001a\u0004\r\u0011\u0013ä", await shell.ReceiveStdinAsync());
        await shell.PrintAsync("one\ntwo\u001b[31m");
        await run.SeesAsync("one\ntwo\u001b[31m");
        await shell.StatusAsync(new ShellStatus.Exited(42));
        Assert.Equal(42, await run.EndsAsync());
        Assert.Equal("one\ntwo\u001b[31m", run.Printed);
        Assert.True(run.IsCooked);
    }

    [Fact]
    public async Task A_new_window_size_reaches_the_shell()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        var shell = await AttachAsync(server);
        run.Resize(132, 50);
        Assert.Equal("""{"width":132,"height":50}""", await ResizeAsync(shell));
    }

    [Theory]
    [InlineData("\u001d")]
    [InlineData("\u001b[93;5u")]
    [InlineData("\u001b[27;5;93~")]
    public async Task The_detach_key_leaves_the_shell_and_prints_the_way_back(string key)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell", "--session-id", SomeSession, "--shell-id", "mine", "--runtime", ScriptedServer.RuntimeArn);
        var shell = await AttachAsync(server);
        run.Press("last words" + key);
        Assert.Equal("last words", await shell.ReceiveStdinAsync());
        Assert.Null((await shell.ReceiveAsync()).Channel);
        Assert.Equal(1000, shell.CloseCodeFromClient);
        await shell.CloseAsync(1000);
        Assert.Equal(0, await run.EndsAsync());
        Assert.Contains($"porthole shell --runtime {ScriptedServer.RuntimeArn} --session-id {SomeSession} --shell-id mine", run.Printed);
        Assert.True(run.IsCooked);
    }

    [Fact]
    public async Task Another_detach_key_can_be_chosen_and_the_usual_one_is_then_a_key_like_any_other()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell", "--detach-key", "ctrl-q");
        var shell = await AttachAsync(server);
        run.Press("\u001d");
        Assert.Equal("\u001d", await shell.ReceiveStdinAsync());
        run.Press("\u0011");
        Assert.Null((await shell.ReceiveAsync()).Channel);
    }

    [Theory]
    [InlineData(Libc.SIGTERM)]
    [InlineData(Libc.SIGHUP)]
    [InlineData(Libc.SIGINT)]
    [InlineData(Libc.SIGQUIT)]
    public async Task A_signal_detaches_and_gives_the_terminal_back(int signal)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        var shell = await AttachAsync(server);
        Assert.False(run.IsCooked);
        run.Signal(signal);
        Assert.Null((await shell.ReceiveAsync()).Channel);
        Assert.Equal(1000, shell.CloseCodeFromClient);
        await shell.CloseAsync(1000);
        Assert.Equal(128 + signal, await run.EndsAsync());
        Assert.True(run.IsCooked);
    }

    [Fact]
    public async Task An_error_in_the_middle_gives_the_terminal_back()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.StartBash(server, "$PORTHOLE shell > /dev/full; echo code $?; stty -a");
        var shell = await AttachAsync(server);
        await shell.PrintAsync("does not fit");
        await run.EndsAsync();
        Assert.Contains("No space left on device", run.Printed);
        Assert.Contains("code 255", run.Printed);
        Assert.Matches("[^-]icanon", run.Printed);
    }

    [Fact]
    public async Task A_hung_up_terminal_detaches()
    {
        await using var server = await ScriptedServer.StartAsync();
        var run = TerminalRun.Start(server, "shell");
        var shell = await AttachAsync(server);
        run.HangUp();
        Assert.Null((await shell.ReceiveAsync()).Channel);
        await shell.CloseAsync(1000);
        Assert.Equal(128 + Libc.SIGHUP, await run.EndsAsync());
    }

    [Fact]
    public async Task After_a_stop_and_continue_the_terminal_is_raw_again()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        var shell = await AttachAsync(server);
        run.Signal(Libc.SIGSTOP);
        run.Cook();
        run.Signal(Libc.SIGCONT);
        await run.BecomesRawAsync();
        run.Press("x");
        Assert.Equal("x", await shell.ReceiveStdinAsync());
    }

    [Fact]
    public async Task A_drop_is_one_line_and_the_return_another_and_no_key_is_lost()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        var shell = await AttachAsync(server);
        await shell.PrintAsync("$ ");
        await run.SeesAsync("$ ");
        shell.Drop();
        await run.SeesAsync("\r\n\u001b[2mporthole: connection lost (");
        await run.SeesAsync("Ctrl+] detaches.\u001b[0m\r\n");
        await (await server.NextAsync()).RefuseAsync(AwsError.SessionBusy());
        await run.SeesAsync("trying again in 1 s: Session operation in progress, please retry");
        run.Press("typed meanwhile");

        var request = await server.NextAsync();
        var back = await request.AttachAsync(reconnected: true, bytesDropped: 12);
        Assert.Equal("""{"width":80,"height":24}""", await ResizeAsync(back));
        Assert.Equal("typed meanwhile", await back.ReceiveStdinAsync());
        await run.SeesAsync("\u001b[2mporthole: reconnected: 12 bytes of output lost\u001b[0m\r\n");
        await back.StatusAsync(new ShellStatus.Exited(0));
        Assert.Equal(0, await run.EndsAsync());
    }

    [Fact]
    public async Task Leaving_in_the_middle_of_a_full_screen_program_puts_the_screen_back()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        var shell = await AttachAsync(server);
        await shell.PrintAsync("\u001b[?1049h\u001b[?25l\u001b[?1002;1006h\u001b[?2004h\u001b[>1u\u001b[?2004l~");
        await run.SeesAsync("~");
        run.Press("\u001d");
        Assert.Null((await shell.ReceiveAsync()).Channel);
        await shell.CloseAsync(1000);
        await run.EndsAsync();
        var after = run.Printed[run.Printed.IndexOf('~')..];
        foreach (var reset in new[] { "\u001b[<1u", "\u001b[?1049l", "\u001b[?1002l", "\u001b[?1006l", "\u001b[?25h" }) Assert.Contains(reset, after);
        Assert.DoesNotContain("\u001b[?2004l", after);
    }

    [Fact]
    public async Task Returning_to_a_shell_makes_its_program_repaint()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell", "--session-id", SomeSession, "--shell-id", "mine");
        var shell = await (await server.NextAsync()).AttachAsync(reconnected: true);
        var sizes = new List<string>();
        while (sizes.LastOrDefault() != """{"width":80,"height":24}""" || sizes.Count < 2) sizes.Add(await ResizeAsync(shell));
        Assert.Contains("""{"width":80,"height":23}""", sizes);
    }

    [Theory]
    [InlineData(4000, "another client attached to this shell; the shell goes on. Return with:")]
    [InlineData(1000, "the server ended the connection")]
    public async Task An_end_without_an_exit_code_is_explained_and_is_255(int code, string message)
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        var shell = await AttachAsync(server);
        await shell.CloseAsync(code);
        Assert.Equal(255, await run.EndsAsync());
        Assert.Contains($"porthole: {message}", run.Printed);
        Assert.True(run.IsCooked);
    }

    [Fact]
    public async Task A_refusal_is_shown_with_its_request_and_is_255()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        await (await server.NextAsync()).RefuseAsync(AwsError.AccessDenied("The access key is not known here."));
        Assert.Equal(255, await run.EndsAsync());
        Assert.Equal("porthole: The access key is not known here. (request request-1)\r\n", run.Printed);
    }

    [Fact]
    public async Task A_session_that_is_starting_is_waited_for()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        await (await server.NextAsync()).RefuseAsync(AwsError.SessionBusy());
        var shell = await AttachAsync(server);
        await shell.StatusAsync(new ShellStatus.Exited(0));
        Assert.Equal(0, await run.EndsAsync());
    }

    [Fact]
    public async Task A_pasted_megabyte_arrives_exactly()
    {
        await using var server = await ScriptedServer.StartAsync();
        using var run = TerminalRun.Start(server, "shell");
        var shell = await (await server.NextAsync()).AttachAsync(inputOffset: 0);
        await ResizeAsync(shell);
        var pasted = string.Concat(Enumerable.Range(0, 100_000).Select(number => $"{number:0000000000}\r"))[..(1024 * 1024)];
        var pasting = Task.Run(() => run.Press(pasted));
        var received = new List<byte>();
        while (received.Count < pasted.Length)
        {
            var (channel, payload) = await shell.ReceiveAsync();
            if (channel == ShellFrameChannel.Stdin) received.AddRange(payload);
            else if (channel == ShellFrameChannel.Heartbeat) await shell.SendAsync(ShellFrameChannel.Heartbeat);
        }

        await pasting;
        Assert.Equal(pasted, System.Text.Encoding.UTF8.GetString([.. received]));
    }

    [Theory]
    [InlineData("echo hi", "echo hi\n\u0004")]
    [InlineData("echo hi\n", "echo hi\n\u0004")]
    [InlineData("", "\u0004")]
    public async Task Without_a_terminal_the_input_is_typed_and_ended(string input, string typed)
    {
        await using var server = await ScriptedServer.StartAsync();
        var running = PortholeProcess.RunAsync(["shell"], server, input);
        var shell = await (await server.NextAsync()).AttachAsync();
        var received = "";
        while (received.Length < typed.Length) received += await shell.ReceiveStdinAsync();
        Assert.Equal(typed, received);
        await shell.PrintAsync("hi\n");
        await shell.StatusAsync(new ShellStatus.Exited(7));
        Assert.Equal(new PortholeResult(7, "hi\n", ""), await running);
    }

    private static async Task<ScriptedShell> AttachAsync(ScriptedServer server)
    {
        var shell = await (await server.NextAsync()).AttachAsync();
        await ResizeAsync(shell);
        return shell;
    }

    private static async Task<string> ResizeAsync(ScriptedShell shell)
    {
        var (channel, payload) = await shell.ReceiveAsync();
        Assert.Equal(ShellFrameChannel.Resize, channel);
        return System.Text.Encoding.UTF8.GetString(payload);
    }
}
