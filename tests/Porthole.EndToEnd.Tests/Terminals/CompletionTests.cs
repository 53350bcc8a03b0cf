using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests.Terminals;

/// <summary>The completion scripts, loaded and used in the shells that they are for, and the manual page in man(1).</summary>
public sealed class CompletionTests(SharedServer shared)
{
    [Fact]
    public async Task Bash_completes_commands_options_and_the_sessions_that_live()
    {
        await using var window = await TerminalWindow.OpenAsync(shared.Server);
        await window.RunAsync("source <(porthole completion bash)");
        await CompletesAsync(window);
    }

    [Fact]
    public async Task Zsh_completes_commands_options_and_the_sessions_that_live()
    {
        await using var window = await TerminalWindow.OpenAsync(shared.Server, "zsh", "-f", "-i");
        await window.RunAsync("mkdir ~/functions; porthole completion zsh > ~/functions/_porthole; fpath=(~/functions $fpath); autoload -U compinit; compinit -u -D");
        await CompletesAsync(window);
    }

    [Fact]
    public async Task Fish_completes_commands_options_and_the_sessions_that_live()
    {
        await using var window = await TerminalWindow.OpenAsync(
            shared.Server, "fish", "--no-config", "-C", $"function fish_prompt; echo '{TerminalWindow.HostPrompt} '; end; function fish_greeting; end");
        await window.RunAsync("porthole completion fish | source");
        await CompletesAsync(window);
    }

    [Fact]
    public async Task The_manual_page_is_one_for_man()
    {
        await using var window = await TerminalWindow.OpenAsync(shared.Server);
        await window.RunAsync("porthole man | man -l -");
        await window.SeesAsync("PORTHOLE(1)");
        await window.SeesAsync("SYNOPSIS");
        await window.TypeAsync("q");
        await window.SeesAsync(TerminalWindow.HostPrompt);
    }

    private async Task CompletesAsync(TerminalWindow window)
    {
        var session = $"{Guid.NewGuid()}";
        var (code, _, errors) = await PortholeProgram.RunAsync(null, "exec", "--data-dir", shared.Server.DataDirectory, "--session-id", session, "--", "true");
        Assert.True(code == 0, errors);
        await window.RunAsync("clear");
        await CompletesAsync(window, "porthole doc", "porthole doctor");
        await CompletesAsync(window, "porthole session li", "porthole session list");
        await CompletesAsync(window, "porthole session list --js", "porthole session list --json");
        await CompletesAsync(window, "porthole env --format dot", "porthole env --format dotenv");
        await CompletesAsync(window, $"porthole exec --session-id {session[..8]}", $"porthole exec --session-id {session}");
    }

    private static async Task CompletesAsync(TerminalWindow window, string typed, string completed)
    {
        await window.TypeAsync(typed);
        await window.PressAsync("Tab");
        await window.SeesAsync(completed);
        await window.PressAsync("C-c");
        await window.RunAsync("clear");
    }
}
