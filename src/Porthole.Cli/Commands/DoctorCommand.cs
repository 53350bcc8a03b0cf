using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Porthole.Cli.Help;
using Porthole.Cli.Terminal;
using Porthole.Sandboxes;
using Porthole.Server;
using Spectre.Console;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole doctor</c>: what this host can do, which isolation is in force, and what to install.</summary>
internal static class DoctorCommand
{
    private const int MarkWidth = 6, NameWidth = 16, NarrowestMeaning = 40;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    public static Command Create()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var config = new Option<FileInfo?>("--config") { Description = "The server's configuration file", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print a JSON object for programs" };
        var command = new PortholeCommand("doctor", "Show what this host can do for sessions, and what to install")
        {
            Notes =
            [
                "Run it as the user that the server is to run as: what sessions get depends on it. A line with warn says what sessions lack and how to get it; "
                    + "one with fail, why none can run. Nothing is installed or started.",
            ],
            Examples = [new("porthole doctor", "a line for each check"), new("porthole doctor --json | jq -e .canRun", "for scripts")],
            ExitCodes = [("1", "sessions cannot run on this host")],
            Options = { json, dataDirectory, config },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            var options = ServerConfiguration.Read(parsed.GetValue(config)?.FullName).ToOptions(parsed.GetValue(dataDirectory)!);
            var checks = await HostDiagnosis.RunAsync(options, cancellation);
            var canRun = checks.All(static check => check.Status != HostCheckStatus.Fail);
            if (parsed.GetValue(json)) StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(new { canRun, isolation = IsolationOf(checks), checks }, Json) + "\n");
            else Print(checks, canRun);
            return canRun ? ExitCode.Success : ExitCode.Failure;
        }));
        return command;
    }

    // The check of microVMs says which it is, and why.
    private static string IsolationOf(IReadOnlyList<HostCheck> checks) =>
        checks.Any(static check => check.Meaning.Contains("sessions are microVMs", StringComparison.Ordinal)) ? "microvm" : "namespace";

    private static void Print(IReadOnlyList<HostCheck> checks, bool canRun)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        var width = StandardStream.IsTerminal(StandardStream.Output) ? console.Profile.Width : int.MaxValue;

        // Lines are broken here, behind their indentation, and nowhere else.
        console.Profile.Width = int.MaxValue;
        foreach (var check in checks)
        {
            var (mark, colour) = check.Status switch
            {
                HostCheckStatus.Ok => ("ok", "green"),
                HostCheckStatus.Warn => ("warn", "yellow"),
                _ => ("fail", "red"),
            };
            var text = check.Advice is { } advice ? $"{check.Meaning}\n-> {advice}" : check.Meaning;
            console.MarkupLine($"[{colour}]{mark.PadRight(MarkWidth)}[/]{check.Name.PadRight(NameWidth)}{Markup.Escape(Indent(text, width))}");
        }

        console.MarkupLine(canRun
            ? $"\nSessions can run here, isolated by {(IsolationOf(checks) == "microvm" ? "microVMs" : "namespaces")}.{(checks.Any(static check => check.Status == HostCheckStatus.Warn) ? " What is marked warn they lack." : "")}"
            : "\nSessions cannot run here: see what is marked fail.");
    }

    private static string Indent(string text, int width)
    {
        const int margin = MarkWidth + NameWidth;
        var lines = text.Split('\n').Select(line => TextWrap.Wrap(line, Math.Max(NarrowestMeaning, width - margin)));
        return string.Join('\n', lines).Replace("\n", "\n" + new string(' ', margin), StringComparison.Ordinal);
    }
}
