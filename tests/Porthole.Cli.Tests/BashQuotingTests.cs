using System.Diagnostics;
using FsCheck.Xunit;

namespace Porthole.Cli.Tests;

public sealed class BashQuotingTests
{
    [Property(MaxTest = 50)]
    public bool Bash_reads_exactly_the_words_that_were_given(string[] words)
    {
        // No argument of a program can hold a NUL, nor half a surrogate pair.
        var given = words.Select(word => string.Concat((word ?? "").EnumerateRunes().Where(rune => rune.Value is not 0 and not 0xFFFD))).ToArray();
        return Words(given).SequenceEqual(given);
    }

    [Theory]
    [InlineData("")]
    [InlineData("it's")]
    [InlineData("~")]
    [InlineData("a=b")]
    [InlineData("$(id)`id`${HOME}!!")]
    [InlineData("*.cs ? [a-z] {a,b}")]
    [InlineData("line\nbreak\ttab\\")]
    [InlineData("#comment")]
    [InlineData("-n")]
    public void These_words_too(string word) => Assert.Equal([word], Words([word]));

    [Theory]
    [InlineData("time")]
    [InlineData("if")]
    [InlineData("A=1")]
    public void The_first_word_is_never_syntax(string name) =>
        Assert.Contains("command not found", Run($"PATH=/nonexistent; {BashQuoting.Exactly([name, "x"])}").Error);

    private static IEnumerable<string> Words(string[] words) =>
        Run(BashQuoting.Exactly(["printf", "%s\\0", .. words, "end"])).Output.Split('\0').SkipLast(2);

    private static (string Output, string Error) Run(string commandLine)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", commandLine]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LC_ALL"] = "C.UTF-8";
        using var bash = Process.Start(start)!;
        var error = bash.StandardError.ReadToEndAsync();
        var output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        return (output, error.Result);
    }
}
