using System.CommandLine;
using Porthole.Cli.Terminal;
using Porthole.Client;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole shell</c>: a terminal in a session.</summary>
internal static class ShellCommand
{
    public static Command Create()
    {
        var target = new TargetOptions();
        var sessionId = SessionIdOption.Create("The session; a new one when left out");
        var shellId = new Option<string?>("--shell-id") { Description = "The shell in the session; a new one when left out", HelpName = "ID" };
        var presigned = new Option<bool>("--presigned") { Description = "Sign the address instead of headers, as a browser does" };
        var detachKey = new Option<string>("--detach-key")
        {
            Description = "The key that leaves the shell running, ctrl-X or none",
            HelpName = "KEY",
            DefaultValueFactory = _ => "ctrl-]",
        };
        detachKey.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is var key && key != "none" && DetachKey.Parse(key) is null)
                result.AddError($"'{key}' is no detach key: give ctrl- and a letter, or none");
        });

        var command = new PortholeCommand("shell", "Open a terminal in a session, or return to one")
        {
            OwnsSignals = true,
            Notes =
            [
                "Ctrl+] leaves the shell running and prints the command that returns to it. When the connection drops, it is brought back by itself; what "
                    + "was printed and typed meanwhile is delivered then. Typing exit ends the shell.",
                "When the input is no terminal, its lines are typed into the shell, and Ctrl+D at its end. For scripts, porthole exec is the better way: "
                    + "it keeps stdout and stderr apart and echoes nothing.",
                TargetOptions.Note,
            ],
            Examples =
            [
                new("porthole shell", "a shell in a new session"),
                new("porthole shell --session-id ID", "another shell in the same session"),
                new("porthole shell --session-id ID --shell-id ID", "back to a shell, as printed on detaching"),
            ],
            ExitCodes =
            [
                ("N", "the shell's own exit code, 128 + signal when a signal ended it; 0 after detaching"),
                ("128+S", "this program got signal S; the shell goes on"),
                ("255", "the shell could not be opened, or its end is not known"),
            ],
        };
        foreach (var option in (Option[])[target.Runtime, sessionId, shellId, target.Qualifier, presigned, detachKey, target.DataDirectory, target.Endpoint])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.NotReached, () => RunAsync(
            target.Find(parsed),
            parsed.GetValue(target.Runtime),
            new ShellOptions
            {
                SessionId = parsed.GetValue(sessionId),
                ShellId = parsed.GetValue(shellId),
                Qualifier = parsed.GetValue(target.Qualifier),
                Presigned = parsed.GetValue(presigned),
            },
            DetachKey.Parse(parsed.GetValue(detachKey)!),
            cancellation)));
        return command;
    }

    private static async Task<int> RunAsync(Target target, string? runtime, ShellOptions options, DetachKey? detachKey, CancellationToken cancellation)
    {
        using (target)
        {
            var arn = await target.FindRuntimeArnAsync(runtime, cancellation);
            await using var shell = await ServerBusy.PatientlyAsync(() => target.Client.OpenShellAsync(arn, options, cancellation), cancellation);
            return await new InteractiveShell(shell, detachKey, ReturnCommand(target, runtime, options, shell)).RunAsync();
        }
    }

    private static string ReturnCommand(Target target, string? runtime, ShellOptions options, ShellConnection shell)
    {
        List<string> words = ["porthole", "shell", .. target.Arguments];
        if (runtime is not null) words.AddRange(["--runtime", runtime]);
        if (options.Qualifier is { } qualifier) words.AddRange(["--qualifier", qualifier]);
        words.AddRange(["--session-id", shell.SessionId, "--shell-id", shell.ShellId]);
        return BashQuoting.Show(words);
    }
}
