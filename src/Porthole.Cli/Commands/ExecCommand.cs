using System.CommandLine;
using System.Globalization;
using Porthole.Client;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole exec</c>: one command, with its own stdout, stderr and exit code.</summary>
internal static class ExecCommand
{
    private const int MaxTimeoutSeconds = 3600;

    public static Command Create()
    {
        var target = new TargetOptions();
        var words = new Argument<string[]>("command") { Description = "The command and its arguments, behind --", HelpName = "CMD", Arity = ArgumentArity.OneOrMore };
        var sessionId = SessionIdOption.Create("The session; when left out, a new one that ends with the command");
        var json = new Option<bool>("--json") { Description = "Print one line of JSON at the end instead: success, exitCode, stdout, stderr" };
        var timeout = new Option<int?>("--timeout") { Description = $"Seconds that the command may take, 1 to {MaxTimeoutSeconds} [default: 300]", HelpName = "S" };
        timeout.Validators.Add(result =>
        {
            // What is no number at all, the parser refuses by itself.
            if (result.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out var seconds) && seconds is < 1 or > MaxTimeoutSeconds)
                result.AddError($"--timeout goes from 1 to {MaxTimeoutSeconds} seconds");
        });

        var command = new PortholeCommand("exec", "Run one command in a session and pass on its output and exit code")
        {
            OwnsSignals = true,
            Notes =
            [
                "The arguments reach the command exactly as given. For pipes and redirections inside the session, run bash: exec -- bash -c 'a | b'. "
                    + "The command has no input and no terminal. Bytes in its output that are no UTF-8 arrive as the replacement character. Ctrl+C ends it.",
                TargetOptions.Note,
            ],
            Examples =
            [
                new("porthole exec -- uname -a", "in a session of its own"),
                new("porthole exec --session-id ID --timeout 60 -- make test", "in a session that is there, for at most a minute"),
                new("porthole exec --json -- bash -c 'echo out; echo err >&2; exit 3'", "the result as JSON"),
            ],
            ExitCodes =
            [
                ("N", "the command's own exit code, 128 + signal when a signal ended it"),
                ("124", "the time was up"),
                ("128+S", "this program got signal S and ended the command"),
                ("255", "the command could not be run, or its end is not known"),
            ],
        };
        command.Arguments.Add(words);
        foreach (var option in (Option[])[json, timeout, sessionId, target.Runtime, target.Qualifier, target.DataDirectory, target.Endpoint])
            command.Options.Add(option);
        command.SetAction((parsed, _) =>
        {
            var output = parsed.GetValue(json) ? (CommandOutput)new JsonOutput() : new StreamOutput();
            return RunAsync(output, () => new RemoteCommand(
                target.Find(parsed),
                parsed.GetValue(target.Runtime),
                BashQuoting.Exactly(parsed.GetValue(words)!),
                new CommandOptions
                {
                    SessionId = parsed.GetValue(sessionId),
                    Qualifier = parsed.GetValue(target.Qualifier),
                    Timeout = parsed.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                },
                output));
        });
        return command;
    }

    private static async Task<int> RunAsync(CommandOutput output, Func<RemoteCommand> prepare)
    {
        try
        {
            using var command = prepare();
            return await command.RunAsync();
        }
        catch (Exception e) when (Failures.AreExpected(e))
        {
            output.OnFailure(Failures.Describe(e));
            return ExitCode.NotReached;
        }
    }
}
