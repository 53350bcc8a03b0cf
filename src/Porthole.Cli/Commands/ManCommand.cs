using System.CommandLine;
using Porthole.Cli.Help;
using Porthole.Cli.Terminal;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole man</c>: the manual page.</summary>
internal static class ManCommand
{
    public static Command Create(RootCommand root)
    {
        var command = new PortholeCommand("man", "Print the manual page, in roff")
        {
            Examples = [new("porthole man | man -l -", "read it"), new("porthole man > /usr/local/share/man/man1/porthole.1", "install it")],
        };
        command.SetAction(_ =>
        {
            StandardStream.Write(StandardStream.Output, ManualPage.Render(root, Version));
            return ExitCode.Success;
        });
        return command;
    }

    private static string Version => typeof(ManCommand).Assembly.GetName().Version!.ToString(3);
}
