using System.CommandLine;
using System.CommandLine.Completions;
using Porthole.Cli.Commands;

namespace Porthole.Cli.Help;

/// <summary>What the manual page and the completion scripts know of an option.</summary>
/// <param name="Names">All its names, the usual one first.</param>
/// <param name="Description">What it is for.</param>
/// <param name="ValueName">What its value is called; null when it takes none.</param>
/// <param name="Values">The values it takes, when they are few.</param>
internal sealed record DocumentedOption(IReadOnlyList<string> Names, string Description, string? ValueName, IReadOnlyList<string> Values)
{
    public bool WantsDirectory => ValueName == "DIR";

    public bool WantsFile => ValueName == "FILE";

    public bool WantsSession => Names[0] == SessionIdOption.Name;

    /// <summary>The options of a command, those of the root that apply everywhere included.</summary>
    public static IReadOnlyList<DocumentedOption> Of(Command command) =>
        [.. command.Options.Concat(InheritedBy(command)).Where(static option => !option.Hidden).Select(From)];

    private static IEnumerable<Option> InheritedBy(Command command) =>
        command.Parents.OfType<Command>().SelectMany(static parent => parent.Options.Where(static option => option.Recursive).Concat(InheritedBy(parent)));

    private static DocumentedOption From(Option option)
    {
        var takesValue = option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool);
        var values = takesValue ? option.GetCompletions(CompletionContext.Empty).Select(static item => item.Label).ToArray() : [];
        IReadOnlyList<string> names = [option.Name, .. option.Aliases.Where(static alias => alias[0] != '/' && alias != "-?")];
        return new DocumentedOption(names, option.Description ?? "", takesValue ? option.HelpName ?? "VALUE" : null, values);
    }
}
