using System.CommandLine;
using System.Text;

namespace Porthole.Cli.Help;

/// <summary>Writes the completion script for zsh: one function per command.</summary>
internal static class ZshCompletion
{
    public static string Render(RootCommand root)
    {
        var text = new StringBuilder();
        text.Append("#compdef porthole\n");
        text.Append("# zsh completion for porthole. Put it into a directory of $fpath as _porthole:\n");
        text.Append("# porthole completion zsh > \"${fpath[1]}/_porthole\"\n\n");
        text.Append("_porthole_sessions() {\n    local data=${(Q)opt_args[--data-dir]}\n    compadd -- ${(f)\"$(porthole session list --ids ${data:+--data-dir} ${~data} 2>/dev/null)\"}\n}\n\n");
        foreach (var command in CommandPath.All(root)) AppendFunction(text, command);
        text.Append("if [[ $funcstack[1] == _porthole ]]; then _porthole \"$@\"; else compdef _porthole porthole; fi\n");
        return text.ToString();
    }

    private static void AppendFunction(StringBuilder text, CommandPath command)
    {
        text.Append($"{Function(command.Words)}() {{\n");
        var hasSubcommands = command.Subcommands.Any();
        text.Append(hasSubcommands ? "    local line state\n    _arguments -C \\\n" : "    typeset -A opt_args\n    _arguments \\\n");
        foreach (var option in command.Options)
        {
            foreach (var name in option.Names) text.Append($"        {Quote($"{name}[{Plain(option.Description)}]{Value(option)}")} \\\n");
        }

        if (!hasSubcommands)
        {
            var values = string.Join(' ', command.ArgumentValues);

            // An argument without an action would be a message to zsh, and beside a message it inserts no option.
            var argument = command.WantsSessions ? "*:session:_porthole_sessions" : values.Length > 0 ? $"1: :({values})" : "*: :{:}";
            text.Append($"        {Quote(argument)}\n}}\n\n");
            return;
        }

        text.Append("        '1: :->command' '*:: :->rest'\n    case $state in\n        command) _values command");
        foreach (var child in command.Command.Subcommands.Where(static child => !child.Hidden))
            text.Append($" \\\n            {Quote($"{child.Name}[{Plain(child.Description ?? "")}]")}");
        text.Append(" ;;\n        rest) case $line[1] in\n");
        foreach (var child in command.Subcommands) text.Append($"            {child}) {Function([.. command.Words, child])} ;;\n");
        text.Append("        esac ;;\n    esac\n}\n\n");
    }

    private static string Value(DocumentedOption option) => option switch
    {
        { ValueName: null } => "",
        { WantsDirectory: true } => ":directory:_files -/",
        { WantsFile: true } => ":file:_files",
        { WantsSession: true } => ":session:_porthole_sessions",
        { Values.Count: > 0 } => $":value:({string.Join(' ', option.Values)})",
        _ => ":value: ",
    };

    private static string Function(IEnumerable<string> words) => $"_porthole{string.Concat(words.Select(static word => $"_{word}"))}";

    // Brackets and colons are the format's own.
    private static string Plain(string description) => description.Replace('[', '(').Replace(']', ')').Replace(":", "\\:", StringComparison.Ordinal);

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
