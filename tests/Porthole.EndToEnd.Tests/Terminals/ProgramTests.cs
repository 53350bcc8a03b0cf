using System.Text.RegularExpressions;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests.Terminals;

/// <summary>Programs that people use in terminals, in a shell of <c>porthole shell</c>.</summary>
public sealed class ProgramTests(SharedServer shared)
{
    [Fact]
    public async Task Bash_completes_commands_and_files()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("touch /tmp/a-rather-long-name");
        await window.TypeAsync("printe");
        await window.PressAsync("Tab");
        await window.SeesAsync("# printenv");
        await window.PressAsync("C-u");
        await window.TypeAsync("ls -1 /tmp/a-ra");
        await window.PressAsync("Tab");
        await window.SeesAsync("# ls -1 /tmp/a-rather-long-name");
    }

    [Fact]
    public async Task Bash_has_a_history_that_all_shells_of_the_session_share()
    {
        var session = $"--session-id history-{Guid.NewGuid()}";
        await using var first = await TerminalWindow.OpenShellAsync(shared.Server, session);
        await first.RunAsync("echo $((6 * 7))-first");
        await first.SeesAsync("42-first");
        await first.PressAsync("Up");
        await first.SeesAsync("more than one command", screen => Regex.Count(screen, @"# echo \$\(\(6 \* 7\)\)-first") == 2);

        await using var second = await TerminalWindow.OpenShellAsync(shared.Server, session);
        await second.PressAsync("Up");
        await second.SeesAsync("# echo $((6 * 7))-first");
    }

    [Fact]
    public async Task Programs_know_that_they_may_use_all_colours()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync(@"tput colors; echo ""[$COLORTERM]""; ls -d --color=auto /usr; printf '\e[38;2;1;2;3mtrue\e[48;5;200m256\e[m\n'; echo en''d");
        await window.SeesAsync("\nend");
        var screen = await window.ColouredScreenAsync();
        Assert.Contains("\n256\n", await window.ScreenAsync());
        Assert.Contains("[truecolor]", screen);
        Assert.True(Regex.IsMatch(screen, @"\e\[[0-9;]*34m/usr"), screen);
        Assert.True(Regex.IsMatch(screen, @"\e\[38;2;1;2;3m(\e\[49m)?true\e\[48;5;200m256"), screen);
    }

    [Fact]
    public async Task Vim_inserts_saves_and_redraws_when_the_window_changes()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("vim -u NONE -c 'set laststatus=2 statusline='stat''us-line /tmp/file");
        await window.SeesAsync("status-line");
        await window.TypeAsync("ione\ntwo äß漢🚀");
        await window.PressAsync("Escape");
        await window.SeesAsync("two äß漢🚀");
        await window.ResizeAsync(60, 12);
        await window.SeesAsync("the status line in the last row but one", screen => Row(screen, 10).StartsWith("status-line", StringComparison.Ordinal));
        await window.ResizeAsync(100, 30);
        await window.SeesAsync("the status line in the last row but one", screen => Row(screen, 28).StartsWith("status-line", StringComparison.Ordinal));
        await window.RunAsync(":wq");
        await window.SeesAsync(TerminalWindow.Prompt);
        await window.RunAsync("sha256sum < /tmp/file");
        await window.SeesAsync(Sha256("one\ntwo äß漢🚀\n"));
    }

    [Fact]
    public async Task Less_searches_and_leaves_the_screen_as_it_was()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("echo be''fore; seq 1000 | less");
        await window.SeesAsync("the first lines", screen => Row(screen, 0) == "1");
        await window.RunAsync("/^500$");
        await window.SeesAsync("500 on top", screen => Row(screen, 0) == "500");
        await window.PressAsync("G");
        await window.SeesAsync("(END)");
        await window.TypeAsync("q");
        await window.SeesAsync("\nbefore\n");
        Assert.DoesNotContain("(END)", await window.ScreenAsync());
    }

    [Theory]
    [InlineData("htop", "Tasks:")]
    [InlineData("top", "PID USER")]
    public async Task Process_viewers_draw_and_quit(string program, string drawn)
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync(program);
        await window.SeesAsync(drawn);
        await window.TypeAsync("q");
        await window.SeesAsync("the prompt behind it", screen => screen.TrimEnd().EndsWith(TerminalWindow.Prompt, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tmux_splits_detaches_and_attaches_again()
    {
        await using var window = await TerminalWindow.OpenShellAsync(shared.Server);
        await window.RunAsync("tmux");
        await window.SeesAsync("[0] 0:bash");
        await window.PressAsync("C-b", "%");
        await window.SeesAsync("two panes", screen => screen.Contains('│'));
        await window.RunAsync("echo $((6 * 7))-right");
        await window.SeesAsync("42-right");
        await window.PressAsync("C-b", "d");
        await window.SeesAsync("[detached (from session 0)]");
        await window.RunAsync("clear; tmux attach");
        await window.SeesAsync("both panes again", screen => screen.Contains('│') && screen.Contains("42-right", StringComparison.Ordinal));
        await window.RunAsync("tmux kill-server");
        await window.SeesAsync("[server exited]");
    }

    private static string Row(string screen, int row) => screen.Split('\n') is var rows && row < rows.Length ? rows[row] : "";

    private static string Sha256(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
