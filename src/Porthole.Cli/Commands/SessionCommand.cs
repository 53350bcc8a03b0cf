using System.CommandLine;
using System.Text.Json;
using Porthole.Cli.Terminal;
using Porthole.Client;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole session</c>: what lives on a server, suspending it and ending it.</summary>
internal static class SessionCommand
{
    private static readonly string[] Titles = ["SESSION", "RUNTIME", "STATE", "ISOLATION", "AGE", "SHELLS"];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Command Create() => new PortholeCommand("session", "List, suspend and stop sessions, and forget what they stored")
    {
        Examples = [new("porthole session list", "every session of the server"), new("porthole session suspend ID", "put one to sleep"), new("porthole session stop ID", "end one")],
        Subcommands = { CreateList(), CreateSuspend(), CreateResume(), CreateStop(), CreateForget() },
    };

    private static PortholeCommand CreateList()
    {
        var target = new TargetOptions();
        var json = new Option<bool>("--json") { Description = "Print a JSON array for programs" };
        var ids = new Option<bool>("--ids") { Description = "Print the session ids only, one a line" };
        var command = new PortholeCommand("list", "List the server's sessions and their shells")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole session list", "as a table"), new("porthole session list --json | jq -r '.[] | select(.shells == []) | .sessionId'", "those without a shell")],
            ExitCodes = [("1", "the server could not be asked")],
            Options = { json, ids, target.DataDirectory, target.Endpoint },
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(ids)) result.AddError("--json and --ids exclude each other");
        });
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var sessions = await server.Client.ListSessionsAsync(cancellation);
            if (parsed.GetValue(json)) StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(sessions, Json) + "\n");
            else if (parsed.GetValue(ids)) StandardStream.Write(StandardStream.Output, string.Concat(sessions.Select(session => session.SessionId + "\n")));
            else PrintTable(sessions);
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateSuspend() => CreateChange(
        "suspend",
        "Write sessions to the disk with all that runs in them, until their next use",
        [
            "Only microVMs can be suspended. Their memory is free then. A shell, a command or a request of the agent resumes the session: shells, jobs and output are there, "
                + "and time has stood still for its programs. Clients of attached shells connect again by themselves, which resumes it at once: detach first.",
        ],
        new Example("porthole session suspend ID", "porthole shell --session-id ID goes on with it"),
        "a session does not exist, cannot be suspended, or runs a command; the other sessions have been suspended all the same",
        static (client, session, cancellation) => client.SuspendSessionAsync(session.Arn, session.Id, session.Qualifier, cancellation));

    private static PortholeCommand CreateResume() => CreateChange(
        "resume",
        "Let suspended sessions run again",
        ["Their next use does that as well."],
        new Example("porthole session resume ID", "before somebody needs it"),
        "a session does not exist, or could not be resumed; the other sessions have been resumed all the same",
        static (client, session, cancellation) => client.ResumeSessionAsync(session.Arn, session.Id, session.Qualifier, cancellation));

    private static PortholeCommand CreateChange(
        string name, string description, string[] notes, Example example, string failure, Func<AgentCoreClient, (string Arn, string Id, string? Qualifier), CancellationToken, Task> change)
    {
        var target = new TargetOptions();
        var ids = new Argument<string[]>(SessionIdOption.ArgumentName) { Description = "The sessions", HelpName = "ID", Arity = ArgumentArity.OneOrMore };
        var command = new PortholeCommand(name, description)
        {
            Notes = [.. notes, TargetOptions.Note],
            Examples = [example],
            ExitCodes = [("1", failure)],
            Arguments = { ids },
            Options = { target.Runtime, target.Qualifier, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var sessions = await NamedAsync(server, parsed.GetValue(target.Runtime), parsed.GetValue(ids)!, parsed.GetValue(target.Qualifier), cancellation);
            var ends = await Task.WhenAll(sessions.Select(session => Failures.ReportAsync(ExitCode.Failure, async () =>
            {
                await change(server.Client, session, cancellation);
                return ExitCode.Success;
            })));
            return ends.Max();
        }));
        return command;
    }

    private static PortholeCommand CreateStop()
    {
        var target = new TargetOptions();
        var ids = new Argument<string[]>(SessionIdOption.ArgumentName) { Description = "The sessions", HelpName = "ID", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "Every session of the server" };
        var command = new PortholeCommand("stop", "End sessions: their shells, their commands and their files")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole session stop ID", "end one"), new("porthole session stop --all", "end all; the server goes on")],
            ExitCodes = [("1", "a session does not exist, or the server could not be asked; the other sessions have been ended all the same")],
            Arguments = { ids },
            Options = { all, target.Runtime, target.Qualifier, target.DataDirectory, target.Endpoint },
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) == result.GetValue(ids) is { Length: > 0 }) result.AddError("Give the ids of sessions, or --all");
        });
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var everyone = parsed.GetValue(all);
            var sessions = everyone
                ? (await server.Client.ListSessionsAsync(cancellation)).Select(static session => (session.RuntimeArn, session.SessionId, session.Qualifier))
                : await NamedAsync(server, parsed.GetValue(target.Runtime), parsed.GetValue(ids)!, parsed.GetValue(target.Qualifier), cancellation);

            // Beside each other: each takes as long as its shells take to leave.
            var ends = await Task.WhenAll(sessions.Select(session => StopAsync(server.Client, session, goneIsFine: everyone, cancellation)));
            return ends.DefaultIfEmpty(ExitCode.Success).Max();
        }));
        return command;
    }

    private static PortholeCommand CreateForget()
    {
        var target = new TargetOptions();
        var ids = new Argument<string[]>(SessionIdOption.ArgumentName) { Description = "The sessions, which have ended", HelpName = "ID", Arity = ArgumentArity.OneOrMore };
        var command = new PortholeCommand("forget", "Remove what ended sessions stored under their runtime's mount path")
        {
            Notes = ["What is not removed so goes with the runtime, or when the session has not come back for as long as the server's setting storageRetention says.", TargetOptions.Note],
            Examples = [new("porthole session forget ID", "after its end; the id begins with nothing")],
            ExitCodes = [("1", "a session has stored nothing or has not ended, or the server could not be asked; of the others it is removed all the same")],
            Arguments = { ids },
            Options = { target.Runtime, target.Qualifier, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var code = ExitCode.Success;
            foreach (var (arn, id, qualifier) in await NamedAsync(server, parsed.GetValue(target.Runtime), parsed.GetValue(ids)!, parsed.GetValue(target.Qualifier), cancellation))
            {
                code = Math.Max(code, await Failures.ReportAsync(ExitCode.Failure, async () =>
                {
                    await server.Client.RemoveSessionStorageAsync(arn, id, qualifier, cancellation);
                    return ExitCode.Success;
                }));
            }

            return code;
        }));
        return command;
    }

    private static async Task<IEnumerable<(string Arn, string Id, string? Qualifier)>> NamedAsync(
        Target server, string? runtime, string[] ids, string? qualifier, CancellationToken cancellation)
    {
        var arn = await server.FindRuntimeArnAsync(runtime, cancellation);
        return ids.Select(id => (arn, id, qualifier));
    }

    // One that does not exist keeps none of the others alive.
    private static Task<int> StopAsync(AgentCoreClient client, (string Arn, string Id, string? Qualifier) session, bool goneIsFine, CancellationToken cancellation) =>
        Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            try
            {
                await ServerBusy.PatientlyAsync(
                    async () =>
                    {
                        await client.StopSessionAsync(session.Arn, session.Id, session.Qualifier, cancellation);
                        return true;
                    },
                    cancellation);
            }
            catch (AgentCoreException e) when (goneIsFine && e.Status == 404)
            {
                // It has ended since the list was made.
            }

            return ExitCode.Success;
        });

    private static void PrintTable(IReadOnlyList<SessionDescription> sessions)
    {
        if (sessions.Count == 0)
        {
            StandardStream.Write(StandardStream.Error, "No sessions.\n");
            return;
        }

        TextTable.Print(Titles, sessions.Select(static session => new[]
        {
            session.SessionId,
            RuntimeOf(session.RuntimeArn),
            session.State,
            session.Accelerator is { } accelerator ? $"{session.Isolation} ({accelerator})" : session.Isolation ?? "",
            TextTable.Age(session.CreatedAt),
            string.Join(' ', session.Shells.Select(static shell => shell.Attached ? $"{shell.ShellId} (attached)" : shell.ShellId)),
        }));
    }

    private static string RuntimeOf(string arn) => arn[(arn.LastIndexOf('/') + 1)..];
}
