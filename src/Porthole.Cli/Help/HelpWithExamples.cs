using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Porthole.Cli.Help;

/// <summary>The library's help, and behind it what a command says about itself.</summary>
/// <param name="inner">The library's.</param>
/// <param name="examplesOfAll">What to show beside the list of commands.</param>
internal sealed class HelpWithExamples(HelpAction inner, IReadOnlyList<Example> examplesOfAll) : SynchronousCommandLineAction
{
    private const int Width = 100;

    public override int Invoke(ParseResult parseResult)
    {
        var result = inner.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is not PortholeCommand command)
        {
            Write(output, examplesOfAll);
            return result;
        }

        foreach (var note in command.Notes) output.WriteLine($"{TextWrap.Wrap(note, Width)}\n");
        Write(output, command.Examples);
        if (command.ExitCodes.Count == 0) return result;
        output.WriteLine("\nExit codes:\n  0      success\n  2      the command line is wrong");
        foreach (var (code, meaning) in command.ExitCodes) output.WriteLine($"  {code,-6} {meaning}");
        return result;
    }

    private static void Write(TextWriter output, IReadOnlyList<Example> examples)
    {
        if (examples.Count > 0) output.WriteLine("Examples:");
        foreach (var example in examples) output.WriteLine($"  {example.Line}\n      {example.Meaning}");
    }
}
