using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Porthole.Cli.Help;

/// <summary>The library's help, and behind it what a command says about itself.</summary>
internal sealed class HelpWithExamples(HelpAction inner) : SynchronousCommandLineAction
{
    private const int Width = 100;

    public override int Invoke(ParseResult parseResult)
    {
        var result = inner.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not PortholeCommand command) return result;
        var output = parseResult.InvocationConfiguration.Output;
        foreach (var note in command.Notes) output.WriteLine($"{TextWrap.Wrap(note, Width)}\n");
        if (command.Examples.Count > 0) output.WriteLine("Examples:");
        foreach (var example in command.Examples) output.WriteLine($"  {example.Line}\n      {example.Meaning}");
        if (command.ExitCodes.Count == 0) return result;
        output.WriteLine("\nExit codes:\n  0      success\n  2      the command line is wrong");
        foreach (var (code, meaning) in command.ExitCodes) output.WriteLine($"  {code,-6} {meaning}");
        return result;
    }
}
