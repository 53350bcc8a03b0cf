using System.CommandLine;

namespace Porthole.Cli;

/// <summary>A command line that is worth showing.</summary>
/// <param name="Line">What to type.</param>
/// <param name="Meaning">What it does, in a few words.</param>
internal sealed record Example(string Line, string Meaning);

/// <summary>A command with what the help, the manual page and the completion scripts say about it beyond its options.</summary>
internal sealed class PortholeCommand(string name, string description) : Command(name, description)
{
    /// <summary>Paragraphs behind the description.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    public IReadOnlyList<Example> Examples { get; init; } = [];

    /// <summary>Exit codes beyond 0 and 2, with their meaning.</summary>
    public IReadOnlyList<(string Code, string Meaning)> ExitCodes { get; init; } = [];

    /// <summary>Whether it deals with SIGINT and SIGTERM itself, because it has a terminal or a remote command to leave in order.</summary>
    public bool OwnsSignals { get; init; }
}
