using System.CommandLine;
using Porthole.Cli.Terminal;

namespace Porthole.Cli;

/// <summary>What is wrong with a command line, in as many lines as there are errors, and where to read on.</summary>
internal static class UsageErrors
{
    public static int Report(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        foreach (var error in parsed.Errors)
            StandardStream.Write(StandardStream.Error, $"porthole: {error.Message}\n");
        StandardStream.Write(StandardStream.Error, $"Try: {PathOf(command)} --help\n");
        return ExitCode.Usage;
    }

    /// <summary>The words that name a command: <c>porthole session list</c>.</summary>
    public static string PathOf(Command command)
    {
        var parent = command.Parents.OfType<Command>().FirstOrDefault();
        return parent is null ? "porthole" : $"{PathOf(parent)} {command.Name}";
    }
}
