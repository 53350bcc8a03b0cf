using System.CommandLine;

namespace Porthole.Cli.Commands;

/// <summary>The option --session-id. The completion scripts know its name and offer the sessions that live.</summary>
internal static class SessionIdOption
{
    public const string Name = "--session-id";

    /// <summary>Name of the argument of commands that take session ids without an option.</summary>
    public const string ArgumentName = "session-id";

    public static Option<string?> Create(string description) => new(Name) { Description = description, HelpName = "ID" };
}
