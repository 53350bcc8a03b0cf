using System.CommandLine;
using System.Text.Json;
using Porthole.Cli.Terminal;
using Porthole.Client;
using Spectre.Console;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole session</c>: what lives on a server, and ending it.</summary>
internal static class SessionCommand
{
    // Ids are there to be copied: the table grows beyond the window instead of cutting them. Ten shells with ids of the largest size fit.
    private const int TableWidth = 4096;

    private static readonly string[] Titles = ["SESSION", "RUNTIME", "STATE", "AGE", "SHELLS"];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Command Create() => new PortholeCommand("session", "List and stop sessions")
    {
        Examples = [new("porthole session list", "every session of the server"), new("porthole session stop ID", "end one")],
        Subcommands = { CreateList(), CreateStop() },
    };

    private static PortholeCommand CreateList()
    {
        var target = new TargetOptions();
        var format = new Option<string>("--format") { Description = "table, json or ids", HelpName = "FORMAT", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "json", "ids");
        var command = new PortholeCommand("list", "List the server's sessions and their shells")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole session list", "as a table"), new("porthole session list --format ids | xargs -r porthole session stop", "end every session")],
            ExitCodes = [("1", "the server could not be asked")],
            Options = { format, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            Print(await server.Client.ListSessionsAsync(cancellation), parsed.GetValue(format)!);
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateStop()
    {
        var target = new TargetOptions();
        var ids = new Argument<string[]>("id") { Description = "The sessions", HelpName = "ID", Arity = ArgumentArity.OneOrMore };
        var command = new PortholeCommand("stop", "End sessions: their shells, their commands and their files")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole session stop ID", "end one")],
            ExitCodes = [("1", "a session does not exist, or the server could not be asked")],
            Arguments = { ids },
            Options = { target.Runtime, target.Qualifier, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var exitCode = ExitCode.Success;
            foreach (var id in parsed.GetValue(ids)!)
                exitCode = Math.Max(exitCode, await StopAsync(server, id, parsed.GetValue(target.Runtime), parsed.GetValue(target.Qualifier), cancellation));
            return exitCode;
        }));
        return command;
    }

    // One that does not exist keeps none of the others alive.
    private static Task<int> StopAsync(Target server, string id, string? runtime, string? qualifier, CancellationToken cancellation) =>
        Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            await ServerBusy.PatientlyAsync(
                async () =>
                {
                    await server.Client.StopSessionAsync(server.RuntimeArnOf(runtime), id, qualifier, cancellation);
                    return true;
                },
                cancellation);
            return ExitCode.Success;
        });

    private static void Print(IReadOnlyList<SessionDescription> sessions, string format)
    {
        switch (format)
        {
            case "json":
                StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(sessions, Json) + "\n");
                break;
            case "ids":
                StandardStream.Write(StandardStream.Output, string.Concat(sessions.Select(session => session.SessionId + "\n")));
                break;
            default:
                PrintTable(sessions);
                break;
        }
    }

    private static void PrintTable(IReadOnlyList<SessionDescription> sessions)
    {
        if (sessions.Count == 0)
        {
            StandardStream.Write(StandardStream.Error, "No sessions.\n");
            return;
        }

        var table = new Table().Border(TableBorder.None).AddColumns(
            [.. Titles.Select(static title => new TableColumn(title) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) })]);
        foreach (var session in sessions)
        {
            var shells = session.Shells.Select(static shell => shell.Attached ? $"{shell.ShellId} (attached)" : shell.ShellId);
            string[] cells = [session.SessionId, RuntimeOf(session.RuntimeArn), session.State, Age(session.CreatedAt), string.Join(' ', shells)];
            table.AddRow([.. cells.Select(Markup.Escape)]);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        console.Profile.Width = TableWidth;
        console.Write(table);
    }

    private static string RuntimeOf(string arn) => arn[(arn.LastIndexOf('/') + 1)..];

    private static string Age(DateTimeOffset since)
    {
        var age = DateTimeOffset.UtcNow - since;
        return age switch
        {
            { TotalMinutes: < 1 } => $"{Math.Max(0, age.TotalSeconds):0} s",
            { TotalHours: < 1 } => $"{age.TotalMinutes:0} min",
            _ => $"{(int)age.TotalHours} h {age.Minutes} min",
        };
    }
}
