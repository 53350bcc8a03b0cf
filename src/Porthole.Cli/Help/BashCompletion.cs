using System.CommandLine;
using System.Text;

namespace Porthole.Cli.Help;

/// <summary>Writes the completion script for bash. It knows all commands and options by itself; only for session ids it asks the server.</summary>
internal static class BashCompletion
{
    private const string Sessions = "$(_porthole_sessions)";

    public static string Render(RootCommand root)
    {
        var commands = CommandPath.All(root);
        var text = new StringBuilder();
        text.Append("# bash completion for porthole. In this shell: source <(porthole completion bash)\n");
        text.Append("# For every shell: porthole completion bash > ~/.local/share/bash-completion/completions/porthole\n\n");
        // The server of --data-dir, where one is named. Read by lines: an id has no blanks, a file may.
        text.Append("_porthole_sessions() {\n");
        text.Append("    local i server=()\n");
        text.Append("    for ((i = 1; i < COMP_CWORD - 1; i++)); do\n");
        text.Append("        [ \"${COMP_WORDS[i]}\" != --data-dir ] || server=(--data-dir \"${COMP_WORDS[i+1]/#\\~/$HOME}\")\n");
        text.Append("    done\n");
        text.Append("    \"${COMP_WORDS[0]}\" session list --ids \"${server[@]}\" 2>/dev/null\n");
        text.Append("}\n\n");
        text.Append("_porthole() {\n");
        text.Append("    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= i\n");
        text.Append("    COMPREPLY=()\n");
        AppendPathSearch(text, commands);
        AppendValues(text, commands);
        AppendWords(text, commands);
        text.Append("}\n\ncomplete -F _porthole porthole\n");
        return text.ToString();
    }

    // Which command is being typed: the words so far, without the options and their values.
    private static void AppendPathSearch(StringBuilder text, IReadOnlyList<CommandPath> commands)
    {
        text.Append("    for ((i = 1; i < COMP_CWORD; i++)); do\n");
        text.Append("        case \"$path ${COMP_WORDS[i]}\" in\n");
        text.Append("            *\" --\") return ;;\n");
        var valued = commands.SelectMany(static command => command.Options).Where(static option => option.ValueName is not null).SelectMany(static option => option.Names).Distinct();
        text.Append($"            {string.Join('|', valued.Select(static name => $"*\" {name}\""))}) ((i++)) ;;\n");
        foreach (var command in commands.Where(static command => command.Words.Count > 0))
            text.Append($"            \"{Parent(command)} {command.Words[^1]}\") path=\"{Key(command)}\" ;;\n");
        text.Append("        esac\n    done\n");
    }

    private static void AppendValues(StringBuilder text, IReadOnlyList<CommandPath> commands)
    {
        text.Append("    case \"$path:$prev\" in\n");
        foreach (var command in commands)
        {
            foreach (var option in command.Options.Where(static option => option.ValueName is not null))
            {
                var pattern = string.Join('|', option.Names.Select(name => $"\"{Key(command)}:{name}\""));
                text.Append($"        {pattern}) {Reply(option)}; return ;;\n");
            }
        }

        text.Append("    esac\n");
    }

    private static string Reply(DocumentedOption option) => option switch
    {
        { WantsDirectory: true } => "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")",
        { WantsFile: true } => "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")",
        { WantsSession: true } => $"COMPREPLY=($(compgen -W \"{Sessions}\" -- \"$cur\"))",
        { Values.Count: > 0 } => $"COMPREPLY=($(compgen -W \"{string.Join(' ', option.Values)}\" -- \"$cur\"))",
        _ => ":",
    };

    private static void AppendWords(StringBuilder text, IReadOnlyList<CommandPath> commands)
    {
        text.Append("    case \"$path\" in\n");
        foreach (var command in commands)
        {
            var words = command.Subcommands.Concat(command.Options.SelectMany(static option => option.Names)).Concat(command.ArgumentValues);
            if (command.WantsSessions) words = words.Append(Sessions);
            text.Append($"        \"{Key(command)}\") COMPREPLY=($(compgen -W \"{string.Join(' ', words)}\" -- \"$cur\")) ;;\n");
        }

        text.Append("    esac\n");
    }

    private static string Key(CommandPath command) => string.Concat(command.Words.Select(static word => $" {word}"));

    private static string Parent(CommandPath command) => string.Concat(command.Words.SkipLast(1).Select(static word => $" {word}"));
}
