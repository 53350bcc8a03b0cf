using System.Globalization;
using Porthole.Cli.Terminal;
using Porthole.Client;
using Spectre.Console;

namespace Porthole.Cli.Commands;

/// <summary>A pull as people watch it: a bar in a terminal, a line for each stage elsewhere. All of it on standard error.</summary>
internal static class ImagePullDisplay
{
    /// <summary>Shows the steps until the last one.</summary>
    /// <returns>The image's digest.</returns>
    /// <exception cref="AgentCoreException">The image cannot be had.</exception>
    public static async Task<string> ShowAsync(IAsyncEnumerable<ImagePullStep> steps)
    {
        if (!StandardStream.IsTerminal(StandardStream.Error)) return await ShowLinesAsync(steps);
        var digest = "";
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        await console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new ElapsedTimeColumn(), new SpinnerColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask("resolving");
                await foreach (var step in steps)
                {
                    digest = step.Digest ?? digest;
                    task.Description = Describe(step) is { } stage ? stage + Amount(step) : task.Description;
                    task.IsIndeterminate = step.TotalBytes == 0;
                    if (step.TotalBytes > 0) (task.MaxValue, task.Value) = (step.TotalBytes, step.Bytes);
                }
            });
        return digest;
    }

    private static async Task<string> ShowLinesAsync(IAsyncEnumerable<ImagePullStep> steps)
    {
        var (digest, stage) = ("", "");
        await foreach (var step in steps)
        {
            digest = step.Digest ?? digest;
            if (Describe(step) is not { } now || now == stage) continue;
            stage = now;
            StandardStream.Write(StandardStream.Error, stage + "\n");
        }

        return digest;
    }

    // How much there is to unpack is not known before.
    private static string Amount(ImagePullStep step) =>
        step.TotalBytes == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" {step.Bytes / 1e6:0.0} of {step.TotalBytes / 1e6:0.0} MB");

    private static string? Describe(ImagePullStep step) => step.Stage?.ToLowerInvariant();
}
