using System.Diagnostics;
using Porthole.Cli.Help;

namespace Porthole.Cli.Tests;

public sealed class HelpTests
{
    private static readonly IReadOnlyList<CommandPath> Commands = CommandPath.All(CommandTree.Create());

    [Fact]
    public void Every_command_has_an_example_and_every_option_says_what_it_is_for()
    {
        Assert.All(Commands.Skip(1), static command =>
        {
            Assert.False(string.IsNullOrEmpty(command.Command.Description), command.Command.Name);
            Assert.NotEmpty(Assert.IsType<PortholeCommand>(command.Command).Examples);
            Assert.All(command.Options, static option => Assert.NotEmpty(option.Description));
        });
    }

    [Fact]
    public void Every_example_is_a_command_line_that_the_program_takes()
    {
        var root = CommandTree.Create();
        var lines = Commands.Select(static command => command.Command).OfType<PortholeCommand>().SelectMany(static command => command.Examples).Select(static example => example.Line);
        Assert.All(lines, line =>
        {
            // What a shell would do with the rest of the line is not ours.
            var own = line[line.IndexOf("porthole", StringComparison.Ordinal)..].Split(['|', '>', ')'], 2)[0].Replace("ID", new string('s', 36), StringComparison.Ordinal);
            Assert.Empty(root.Parse(own["porthole".Length..].Trim(), CommandTree.Parsing).Errors);
        });
    }

    [Fact]
    public async Task Help_ends_in_examples_and_exit_codes()
    {
        var result = await PortholeProcess.RunAsync(["exec", "--help"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Examples:\n  porthole exec -- uname -a\n", result.Output);
        Assert.Contains("  124    the time was up\n", result.Output);
    }

    [Fact]
    public async Task The_version_is_one_line() =>
        Assert.Equal(new PortholeResult(0, "0.1.0\n", ""), await PortholeProcess.RunAsync(["--version"]));

    [Fact]
    public async Task An_unknown_command_is_2()
    {
        var result = await PortholeProcess.RunAsync(["shel"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("'shel'", result.Error);
    }

    [Fact]
    public async Task The_manual_page_is_sound_and_names_every_command_and_option()
    {
        var page = (await PortholeProcess.RunAsync(["man"])).Output;
        var (text, warnings) = Man(page);
        Assert.Equal("", warnings);
        Assert.All(Commands.Skip(1), command =>
        {
            Assert.Contains($"porthole {string.Join(' ', command.Words)}", text);
            Assert.All(command.Options, option => Assert.Contains(option.Names[0], text));
        });
    }

    private static (string Text, string Warnings) Man(string page)
    {
        var start = new ProcessStartInfo("man", ["--warnings=all", "-l", "-"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        (start.Environment["MANWIDTH"], start.Environment["LC_ALL"], start.Environment["MANROFFOPT"]) = ("100", "C", "-c");
        using var man = Process.Start(start)!;
        var warnings = man.StandardError.ReadToEndAsync();
        var text = man.StandardOutput.ReadToEndAsync();
        man.StandardInput.Write(page);
        man.StandardInput.Close();
        man.WaitForExit();

        // Bold letters are printed twice, with a backspace between them.
        return (System.Text.RegularExpressions.Regex.Replace(text.Result, ".\b", ""), warnings.Result);
    }
}
