using System.Text.RegularExpressions;
using Porthole.EndToEnd.Tests.Harness;
using Porthole.Posix;

namespace Porthole.EndToEnd.Tests.Terminals;

/// <summary>Every way out of <c>porthole shell</c>, what it leaves in the user's terminal, and the way back.</summary>
public sealed partial class LeavingTests(SharedServer shared)
{
    // signal(7).
    private const int Abort = 6, TerminalStop = 20;

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -9 $$", 137)]
    public async Task The_shells_end_is_the_programs_and_the_terminal_is_as_before(string last, int code)
    {
        await using var window = await TerminalWindow.OpenAsync(shared.Server);
        var before = await window.ModeAsync();
        await window.RunAsync("porthole shell");
        await window.SeesAsync(TerminalWindow.Prompt);
        Assert.Contains("-icanon", await window.ModeAsync());
        await window.RunAsync(last);
        await window.IsBackAsync();
        await window.RunAsync("echo $?-code");
        await window.SeesAsync($"{code}-code");
        Assert.Equal(before, await window.ModeAsync());
    }

    [Fact]
    public async Task Ctrl_and_bracket_leaves_the_shell_and_the_printed_command_returns_to_it()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("X=kept; cd /tmp; sleep 1000 &");
        await window.PressAsync("C-]");
        await window.SeesAsync("detached; the shell goes on. Return with:");
        var command = await window.ReturnCommandAsync();
        await window.RunAsync("clear");
        await window.RunAsync(command);
        await window.RunAsync("clear; echo \"$X in $PWD\"; jobs");
        await window.SeesAsync("kept in /tmp\n");
        await window.SeesAsync("sleep 1000 &");
    }

    [Fact]
    public async Task Leaving_in_the_middle_of_output_and_returning_shows_every_line_once()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);

        // Too much for the blink of an eye, less than 256 KB.
        await window.RunAsync("clear; perl -e '$| = 1; for $b (0 .. 299) { print map { sprintf \"line %d\\n\", $b * 50 + $_ } 1 .. 50; select undef, undef, undef, 0.01 }'");
        await window.SeesAsync("lines", screen => Regex.IsMatch(screen, @"^line \d+$", RegexOptions.Multiline));
        await window.PressAsync("C-]");
        await window.RunAsync(await window.ReturnCommandAsync());
        await window.SeesAsync("line 15000\n");

        // A line may be cut in two by the words about leaving.
        var text = await window.ScrollbackAsync();
        Assert.True(text.IndexOf("porthole: detached", StringComparison.Ordinal) < text.IndexOf("line 15000\n", StringComparison.Ordinal), text);
        var shown = Leaving().Replace(text[text.LastIndexOf("line 1\n", StringComparison.Ordinal)..], "").Split(TerminalWindow.Prompt)[0].Replace("\n", "", StringComparison.Ordinal);
        Assert.Equal(string.Concat(Enumerable.Range(1, 15_000).Select(i => $"line {i}")), shown);
    }

    [Fact]
    public async Task A_shell_opened_by_a_signed_address_returns_by_another_one()
    {
        var ids = $"--presigned --session-id leaving-{Guid.NewGuid()} --shell-id mine";
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server, ids);
        await window.RunAsync("X=kept; echo $((6 * 7))-set");
        await window.SeesAsync("42-set");
        await window.PressAsync("C-]");
        await window.IsBackAsync();
        await window.RunAsync($"porthole shell {ids}");
        await window.RunAsync("clear; echo \"X is $X\"");
        await window.SeesAsync("X is kept");
    }

    [Fact]
    public async Task Leaving_vim_by_detaching_puts_the_screen_back_and_returning_makes_it_repaint()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("vim -u NONE -c 'set laststatus=2 statusline='stat''us-line");
        await window.SeesAsync("status-line");
        await window.TypeAsync("isome text");
        await window.PressAsync("C-]");
        await window.SeesAsync("Return with:");
        Assert.DoesNotContain("status-line", await window.ScreenAsync());
        var command = await window.ReturnCommandAsync();
        await window.RunAsync("clear");
        await window.RunAsync(command);
        await window.SeesAsync("the text and the status line", screen =>
            screen.StartsWith("some text\n", StringComparison.Ordinal) && screen.Contains("status-line", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Libc.SIGTERM)]
    [InlineData(Libc.SIGHUP)]
    [InlineData(Abort)]
    [InlineData(Libc.SIGKILL)]
    public async Task A_signal_that_ends_the_program_leaves_the_shell_and_a_usable_terminal(int signal)
    {
        await using var window = await TerminalWindow.OpenAsync(shared.Server);
        var ids = $"--session-id leaving-{Guid.NewGuid()} --shell-id mine";
        await window.RunAsync($"porthole shell {ids}");
        await window.SeesAsync(TerminalWindow.Prompt);
        await window.RunAsync("X=kept; echo $((6 * 7))-set");
        await window.SeesAsync("42-set");
        var program = await window.PortholeProcessAsync();
        _ = Libc.Kill(program, signal);

        // The runtime takes the first SIGABRT that comes from outside for nothing.
        if (signal == Abort)
            await Patience.UntilAsync("the program to end", () => Libc.Kill(program, signal) != 0);
        await window.IsBackAsync();
        await window.RunAsync("echo $?-code; stty -a | grep -o '[^ ]*onlcr'");
        await window.SeesAsync($"{128 + signal}-code\nonlcr\n");
        await window.RunAsync($"porthole shell {ids}");
        await window.RunAsync("clear; echo \"X is $X\"");
        await window.SeesAsync("X is kept");
    }

    [Fact]
    public async Task A_stop_of_the_program_itself_gives_the_terminal_to_the_users_shell_until_fg()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        _ = Libc.Kill(await window.PortholeProcessAsync(), TerminalStop);
        await window.SeesAsync("Stopped");
        await window.RunAsync("echo $((6 * 7))-host");
        await window.SeesAsync("42-host");
        await window.RunAsync("fg");
        await window.RunAsync("clear; echo $PORTHOLE_SHELL_ID-$((6 * 7))");
        await window.SeesAsync("-42");
        Assert.Contains("-icanon", await window.ModeAsync());
    }

    [Fact]
    public async Task A_closed_window_detaches()
    {
        var session = $"leaving-{Guid.NewGuid()}";
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server, $"--session-id {session} --shell-id mine");
        var program = await window.PortholeProcessAsync();
        await window.CloseAsync();
        await Patience.UntilAsync("the program to end", () => !Directory.Exists($"/proc/{program}"));
        await Patience.UntilAsync("the shell to be detached", async () =>
        {
            var (_, list, _) = await shared.Server.RunAsync("session", "list", "--json");
            return list.Contains(session, StringComparison.Ordinal) && DetachedShell().IsMatch(list[list.IndexOf(session, StringComparison.Ordinal)..]);
        });
    }

    // From the notice to the command that was typed to return.
    [GeneratedRegex(@"porthole: detached(.|\n)*\nhost> porthole shell .*\n")]
    private static partial Regex Leaving();

    [GeneratedRegex("""^[^\]]*"shellId": ?"mine"[^}]*"attached": ?false""")]
    private static partial Regex DetachedShell();
}
