using System.CommandLine;
using System.CommandLine.Completions;
using Porthole.Cli.Commands;

namespace Porthole.Cli.Help;

/// <summary>A command and the words that lead to it.</summary>
/// <param name="Command">The command.</param>
/// <param name="Words">The words behind <c>porthole</c>; none for the root.</param>
internal sealed record CommandPath(Command Command, IReadOnlyList<string> Words)
{
    public IReadOnlyList<DocumentedOption> Options { get; } = DocumentedOption.Of(Command);

    public IEnumerable<string> Subcommands => Command.Subcommands.Where(static command => !command.Hidden).Select(static command => command.Name);

    /// <summary>Whether its arguments are sessions that live.</summary>
    public bool WantsSessions => Command.Arguments.Any(static argument => argument.Name == SessionIdOption.ArgumentName);

    /// <summary>The values its argument takes, when they are few.</summary>
    public IEnumerable<string> ArgumentValues =>
        Command.Arguments.SelectMany(static argument => argument.GetCompletions(CompletionContext.Empty)).Select(static item => item.Label);

    /// <summary>The root and every command below it, parents first.</summary>
    public static IReadOnlyList<CommandPath> All(RootCommand root) => [.. Walk(root, [])];

    private static IEnumerable<CommandPath> Walk(Command command, IReadOnlyList<string> words) =>
        command.Subcommands.Where(static child => !child.Hidden).SelectMany(child => Walk(child, [.. words, child.Name])).Prepend(new CommandPath(command, words));
}
