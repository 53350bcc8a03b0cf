using System.CommandLine;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole logs</c>: what a session's agent printed.</summary>
internal static class LogsCommand
{
    public static Command Create()
    {
        var target = new TargetOptions();
        var sessionId = SessionIdOption.Create("The session; when left out, the runtime's newest");
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what it prints from now on, until it ends" };
        var command = new PortholeCommand("logs", "Show what a session's agent printed")
        {
            Notes =
            [
                "Both outputs of the agent are one log, of which the newest megabyte is kept, over all its starts in the session. The log goes with the session. "
                    + "Where bytes are missing, a line in brackets says how many.",
                TargetOptions.Note,
            ],
            Examples =
            [
                new("porthole logs --runtime helper", "of the newest session of the runtime helper"),
                new("porthole logs --session-id ID --follow", "of one session, as it goes on"),
            ],
            ExitCodes = [("1", "there is no such session, or it has no agent"), ("141", "nobody reads standard output any more")],
        };
        foreach (var option in (Option[])[follow, sessionId, target.Runtime, target.Qualifier, target.DataDirectory, target.Endpoint])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var arn = await server.FindRuntimeArnAsync(parsed.GetValue(target.Runtime), cancellation);
            await using var log = await server.Client.ReadAgentLogAsync(arn, parsed.GetValue(sessionId), parsed.GetValue(follow), parsed.GetValue(target.Qualifier), cancellation);
            return await InvokeCommand.PassOnAsync(log, cancellation);
        }));
        return command;
    }
}
