using System.CommandLine;
using System.CommandLine.Help;
using Porthole.Cli.Commands;
using Porthole.Cli.Help;

namespace Porthole.Cli;

/// <summary>Every command, in the order of the help.</summary>
internal static class CommandTree
{
    /// <summary>Arguments are taken as they are: a word that begins with @ is no file of arguments.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    private static readonly IReadOnlyList<Example> Examples =
    [
        new("porthole serve", "a server in the foreground"),
        new("porthole shell", "a terminal in a new session of it, from another window"),
        new("porthole exec -- uname -a", "one command, with its output and exit code"),
        new("eval \"$(porthole env)\"", "the official clients, from this shell"),
        new("porthole stop --all", "the end of the server and of every session"),
    ];

    public static RootCommand Create()
    {
        var root = new RootCommand("Runs AI agent sessions in isolated sandboxes and opens real terminals inside them.")
        {
            ServeCommand.Create(),
            EnvCommand.Create(),
            ShellCommand.Create(),
            ExecCommand.Create(),
            InvokeCommand.Create(),
            LogsCommand.Create(),
            SessionCommand.Create(),
            RuntimeCommand.Create(),
            EndpointCommand.Create(),
            CredentialsCommand.Create(),
            ImageCommand.Create(),
            StopCommand.Create(),
            AuditCommand.Create(),
            DoctorCommand.Create(),
            SetupCommand.Create(),
        };
        root.Add(CompletionCommand.Create(root));
        root.Add(ManCommand.Create(root));
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!, Examples);
        return root;
    }
}
