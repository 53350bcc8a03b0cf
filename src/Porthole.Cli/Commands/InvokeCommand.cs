using System.CommandLine;
using System.Text;
using Porthole.Cli.Terminal;
using Porthole.Client;
using Porthole.Posix;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole invoke</c>: asks a session's agent and passes its answer on as it comes.</summary>
internal static class InvokeCommand
{
    public static Command Create()
    {
        var target = new TargetOptions();
        var sessionId = SessionIdOption.Create("The session; when left out, a new one, which stays and is named on standard error");
        var payload = new Option<string?>("--payload")
        {
            Description = "What the agent gets: text, @FILE for a file's bytes, or - for standard input [default: -]",
            HelpName = "TEXT|@FILE|-",
        };
        var contentType = new Option<string>("--content-type") { Description = "What the payload is", HelpName = "TYPE", DefaultValueFactory = static _ => "application/json" };
        var accept = new Option<string?>("--accept") { Description = "Which answers are understood, for instance text/event-stream", HelpName = "TYPE" };
        var command = new PortholeCommand("invoke", "Ask a session's agent and pass on its answer as it comes")
        {
            Notes = ["The answer's bytes go to standard output when they arrive, the events of a stream one by one. Ctrl+C breaks the request off.", TargetOptions.Note],
            Examples =
            [
                new("porthole invoke --runtime helper --payload '{\"prompt\":\"hello\"}'", "in a new session of the runtime helper"),
                new("porthole invoke --session-id ID --payload @question.json", "a file, in a session that is there"),
                new("cat notes.txt | porthole invoke --content-type text/plain", "standard input"),
            ],
            ExitCodes =
            [
                ("1", "the agent could not be asked, failed, or broke its answer off"),
                ("141", "nobody reads standard output any more"),
            ],
        };
        foreach (var option in (Option[])[payload, contentType, accept, sessionId, target.Runtime, target.Qualifier, target.DataDirectory, target.Endpoint])
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var options = new InvokeOptions
            {
                SessionId = parsed.GetValue(sessionId),
                Qualifier = parsed.GetValue(target.Qualifier),
                ContentType = parsed.GetValue(contentType)!,
                Accept = parsed.GetValue(accept),
            };
            var bytes = Read(parsed.GetValue(payload) ?? "-");
            var arn = await server.FindRuntimeArnAsync(parsed.GetValue(target.Runtime), cancellation);
            await using var answer = await ServerBusy.PatientlyAsync(() => server.Client.InvokeAsync(arn, bytes, options, cancellation), cancellation);
            if (options.SessionId is null)
                StandardStream.Write(StandardStream.Error, $"porthole: session {answer.SessionId}\n");
            return await PassOnAsync(answer, cancellation);
        }));
        return command;
    }

    /// <summary>Writes an answer's body to standard output.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> PassOnAsync(AgentAnswer answer, CancellationToken cancellation)
    {
        await foreach (var piece in answer.ReadAllAsync(cancellation))
        {
            if (!StandardStream.Write(StandardStream.Output, piece.Span))
                return ExitCode.BySignal(Libc.SIGPIPE);
        }

        return ExitCode.Success;
    }

    private static byte[] Read(string payload)
    {
        if (payload == "-" && StandardStream.IsTerminal(StandardStream.Input))
            throw new CommandFailedException("What shall the agent get? Give --payload TEXT or --payload @FILE, or pipe it in.");
        if (payload == "-")
            return ReadInput();
        if (!payload.StartsWith('@'))
            return Encoding.UTF8.GetBytes(payload);
        try
        {
            return File.ReadAllBytes(payload[1..]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandFailedException($"The payload cannot be read: {e.Message}");
        }
    }

    private static byte[] ReadInput()
    {
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int count; (count = StandardStream.Read(StandardStream.Input, buffer)) > 0;)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }
}
