using System.CommandLine;
using Porthole.Cli.Help;
using Porthole.Cli.Terminal;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole completion</c>: scripts that complete this program's command lines.</summary>
internal static class CompletionCommand
{
    public static Command Create(RootCommand root)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish", HelpName = "SHELL" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new PortholeCommand("completion", "Print a completion script for a shell")
        {
            Examples =
            [
                new("source <(porthole completion bash)", "for this shell"),
                new("porthole completion bash > ~/.local/share/bash-completion/completions/porthole", "for every bash"),
                new("porthole completion zsh > \"${fpath[1]}/_porthole\"", "for every zsh"),
                new("porthole completion fish > ~/.config/fish/completions/porthole.fish", "for every fish"),
            ],
            Arguments = { shell },
        };
        command.SetAction(parsed =>
        {
            StandardStream.Write(StandardStream.Output, parsed.GetValue(shell) switch
            {
                "zsh" => ZshCompletion.Render(root),
                "fish" => FishCompletion.Render(root),
                _ => BashCompletion.Render(root),
            });
            return ExitCode.Success;
        });
        return command;
    }
}
