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

    public static RootCommand Create()
    {
        var root = new RootCommand("Runs AI agent sessions in isolated sandboxes and opens real terminals inside them.")
        {
            ServeCommand.Create(),
            EnvCommand.Create(),
            ShellCommand.Create(),
            ExecCommand.Create(),
            SessionCommand.Create(),
            StopCommand.Create(),
        };
        root.Add(CompletionCommand.Create(root));
        root.Add(ManCommand.Create(root));
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }
}
