using System.CommandLine;
using System.Text;

namespace Porthole.Cli.Help;

/// <summary>Writes the completion script for fish: one line per option and per command.</summary>
internal static class FishCompletion
{
    private const string Sessions = "porthole session list --ids 2>/dev/null";

    public static string Render(RootCommand root)
    {
        var text = new StringBuilder();
        text.Append("# fish completion for porthole: porthole completion fish > ~/.config/fish/completions/porthole.fish\n");
        text.Append("complete -c porthole -f\n");
        foreach (var command in CommandPath.All(root)) Append(text, command);
        return text.ToString();
    }

    private static void Append(StringBuilder text, CommandPath command)
    {
        var children = command.Subcommands.ToArray();
        var condition = command.Words.Count == 0
            ? "__fish_use_subcommand"
            : string.Join("; and ", command.Words.Select(static word => $"__fish_seen_subcommand_from {word}"));
        foreach (var child in command.Command.Subcommands.Where(static child => !child.Hidden))
        {
            var unless = command.Words.Count == 0 ? "" : $"; and not __fish_seen_subcommand_from {string.Join(' ', children)}";
            text.Append($"complete -c porthole -n '{condition}{unless}' -a {child.Name} -d {Quote(child.Description ?? "")}\n");
        }

        foreach (var value in command.ArgumentValues) text.Append($"complete -c porthole -n '{condition}' -a {value}\n");
        if (command.WantsSessions) text.Append($"complete -c porthole -n '{condition}' -a '({Sessions})'\n");
        foreach (var option in command.Options)
        {
            var names = string.Join(' ', option.Names.Select(static name => name.StartsWith("--", StringComparison.Ordinal) ? $"-l {name[2..]}" : $"-s {name[1..]}"));
            text.Append($"complete -c porthole -n '{condition}' {names}{Value(option)} -d {Quote(option.Description)}\n");
        }
    }

    private static string Value(DocumentedOption option) => option switch
    {
        { ValueName: null } => "",
        { WantsDirectory: true } => " -x -a '(__fish_complete_directories)'",
        { WantsFile: true } => " -r -F",
        { WantsSession: true } => $" -x -a '({Sessions})'",
        { Values.Count: > 0 } => $" -x -a '{string.Join(' ', option.Values)}'",
        _ => " -x",
    };

    private static string Quote(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
