using System.CommandLine;
using System.Text;

namespace Porthole.Cli.Help;

/// <summary>Writes the manual page porthole(1), in the macros of man(7).</summary>
internal static class ManualPage
{
    private static readonly (string Name, string Meaning)[] Environment =
    [
        ("PORTHOLE_DATA_DIR", "The data directory when --data-dir is not given."),
        ("PORTHOLE_ENDPOINT", "The server's address for the client commands. AWS_ENDPOINT_URL_BEDROCK_AGENTCORE and BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT, the official names, win over it."),
        ("PORTHOLE_RUNTIME_ARN", "The runtime when --runtime is not given and the server is named by its address."),
        ("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "The access key."),
        ("AWS_SHARED_CREDENTIALS_FILE, AWS_PROFILE", "The file and the section that hold the access key otherwise."),
        ("AWS_REGION", "The region of requests that name no runtime."),
    ];

    private static readonly (string Name, string Meaning)[] Files =
    [
        ("/var/lib/porthole", "Default data directory of root."),
        ("$XDG_STATE_HOME/porthole, ~/.local/state/porthole", "Default data directory of everybody else."),
        ("DIR/server.json, DIR/credentials", "What the last server of a data directory left for porthole env: its address, and its access key as an AWS credentials file."),
    ];

    public static string Render(RootCommand root, string version)
    {
        var page = new StringBuilder();
        page.Append($".TH PORTHOLE 1 \"\" \"porthole {Escape(version)}\" \"User Commands\"\n");
        page.Append(".SH NAME\nporthole \\- isolated sessions for AI agents, with real terminals in them\n");
        page.Append(".SH SYNOPSIS\n.B porthole\n.I COMMAND\n.RI [ OPTIONS ]\n");
        page.Append(".SH DESCRIPTION\n").Append(Line(root.Description ?? ""));
        page.Append(".PP\nClients of Amazon Bedrock AgentCore work against it unchanged.\n");
        page.Append(".SH COMMANDS\n");
        foreach (var command in CommandPath.All(root).Where(static command => command.Words.Count > 0)) AppendCommand(page, command);
        AppendList(page, "ENVIRONMENT", Environment);
        AppendList(page, "FILES", Files);
        page.Append(".SH EXIT STATUS\n0 on success, 2 for a wrong command line; each command lists the others.\n");
        page.Append(".SH SEE ALSO\n.BR bwrap (1),\n.BR ssh (1)\n");
        return page.ToString();
    }

    private static void AppendCommand(StringBuilder page, CommandPath command)
    {
        page.Append($".SS porthole {Escape(string.Join(' ', command.Words))}{string.Concat(command.Command.Arguments.Select(static argument => $" {Escape(argument.HelpName ?? argument.Name.ToUpperInvariant())}"))}\n");
        page.Append(Line($"{command.Command.Description}."));
        if (command.Command is PortholeCommand { Notes: var notes })
        {
            foreach (var note in notes) page.Append(".PP\n").Append(Line(note));
        }

        foreach (var option in command.Options)
        {
            page.Append($".TP\n\\fB{string.Join("\\fR, \\fB", option.Names.Select(Escape))}\\fR");
            if (option.ValueName is { } value) page.Append($" \\fI{Escape(value)}\\fR");
            page.Append('\n').Append(Line($"{option.Description}."));
        }

        if (command.Command is PortholeCommand documented) AppendExamples(page, documented);
    }

    private static void AppendExamples(StringBuilder page, PortholeCommand command)
    {
        if (command.ExitCodes.Count > 0) page.Append(".PP\nExit codes:\n");
        foreach (var (code, meaning) in command.ExitCodes) page.Append($".TP\n{Escape(code)}\n").Append(Line($"{meaning}."));
        if (command.Examples.Count > 0) page.Append(".PP\nExamples:\n");
        foreach (var example in command.Examples) page.Append($".TP\n{Line(example.Line)}").Append(Line($"{example.Meaning}."));
    }

    private static void AppendList(StringBuilder page, string title, IEnumerable<(string Name, string Meaning)> entries)
    {
        page.Append($".SH {title}\n");
        foreach (var (name, meaning) in entries) page.Append($".TP\n.B {Escape(name)}\n").Append(Line(meaning));
    }

    private static string Line(string text)
    {
        var escaped = Escape(text);

        // A line that begins with one of these would be a request to roff.
        return (escaped[0] is '.' or '\'' ? "\\&" : "") + escaped + "\n";
    }

    // The page is shown in every locale, so it has no character beyond ASCII.
    private static string Escape(string text) =>
        text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal).Replace("…", "...", StringComparison.Ordinal);
}
