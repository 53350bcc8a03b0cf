using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>The README's .NET example: Porthole.Client, compiled ahead of time, against the built server.</summary>
public sealed class SampleTests(SharedServer shared)
{
    private static readonly string Sample = Path.Combine(PortholeProgram.RepositoryDirectory, "samples/Shell");

    [Fact]
    public async Task The_sample_is_the_READMEs_example()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var readme = await File.ReadAllTextAsync(Path.Combine(PortholeProgram.RepositoryDirectory, "README.md"), cancellation);
        var example = readme.Split("```csharp\n")[1].Split("```")[0];
        Assert.EndsWith(example, await File.ReadAllTextAsync(Path.Combine(Sample, "Program.cs"), cancellation));
    }

    [Fact]
    public async Task Compiled_ahead_of_time_without_a_warning_it_opens_a_shell()
    {
        var output = Directory.CreateTempSubdirectory("porthole-sample-");
        try
        {
            var published = await RunAsync("dotnet", ["publish", Sample, "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "-o", output.FullName, "--nologo"], []);
            Assert.True(published.ExitCode == 0, published.Output);
            Assert.DoesNotContain("warning", published.Output, StringComparison.OrdinalIgnoreCase);

            var (_, variables, _) = await shared.Server.RunAsync("env", "--format", "json");
            var (code, printed) = await RunAsync(Path.Combine(output.FullName, "shell-sample"), [], JsonSerializer.Deserialize<Dictionary<string, string>>(variables)!);
            Assert.True(code == 0, printed);
            Assert.Contains("Linux sandbox", printed);
            Assert.Matches(@"ExitCode = 7\b", printed);
        }
        finally
        {
            output.Delete(recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments, Dictionary<string, string> variables)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var process = Process.Start(start)!;

        // A compiler has more to do than anything else here.
        using var deadline = Patience.Deadline(TimeSpan.FromMinutes(5));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            process.Kill();
        }
    }
}
