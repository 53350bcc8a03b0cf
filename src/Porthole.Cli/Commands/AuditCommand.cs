using System.CommandLine;
using System.Text.Json;
using Porthole.Cli.Terminal;
using Porthole.Posix;
using Porthole.Server.Audit;
using Porthole.Server.Store;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole audit</c>: who did what, from the audit trail of a data directory.</summary>
internal static class AuditCommand
{
    private const string DefaultSince = "24h";

    public static Command Create()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var since = Time("--since", $"Only from this time on: an age (90s, 15m, 24h, 7d) or a time (2026-01-31, 2026-01-31T12:00:00Z) [default: {DefaultSince}]");
        var until = Time("--until", "Only up to this time, given as for --since");
        var name = new Option<string?>("--event") { Description = "Only this operation, for instance InvokeAgentRuntimeCommand", HelpName = "NAME" };
        var principal = new Option<string?>("--principal") { Description = "Only calls of this access key or token's subject", HelpName = "WHO" };
        var session = new Option<string?>("--session-id") { Description = "Only calls that are about this session", HelpName = "ID" };
        var errors = new Option<bool>("--errors") { Description = "Only what was refused or failed" };
        var follow = new Option<bool>("--follow") { Description = "Wait for further calls and print them too" };
        var json = new Option<bool>("--json") { Description = "Print the lines of JSON as they are, for programs" };
        var command = new PortholeCommand("audit", "Show who did what, when and from where")
        {
            Notes =
            [
                "Reads the files of the data directory, so it needs its owner's rights and no server. Every call of the API is a line, refused ones too; a "
                    + "shell has a second one when its connection ended. What was typed and printed is in none of them.",
            ],
            Examples =
            [
                new("porthole audit", "the last day"),
                new("porthole audit --since 1h --errors", "what was refused or failed in the last hour"),
                new("porthole audit --session-id ID --follow", "what happens with a session, as it happens"),
                new("porthole audit --json | jq -r .userIdentity.principalId | sort | uniq -c", "who calls how often"),
            ],
            ExitCodes = [("1", "the data directory cannot be read, or no server has ever used it")],
            Options = { since, until, name, principal, session, errors, follow, json, dataDirectory },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            var data = DataDirectory.Existing(parsed.GetValue(dataDirectory)!);
            var filter = new AuditFilter
            {
                Since = parsed.GetValue(since) ?? DateTimeOffset.UtcNow - TimeSpan.FromDays(1),
                Until = parsed.GetValue(until),
                Event = parsed.GetValue(name),
                Principal = parsed.GetValue(principal),
                SessionId = parsed.GetValue(session),
                Errors = parsed.GetValue(errors),
            };
            Func<JsonElement, string> show = parsed.GetValue(json) ? static line => line.GetRawText() : AuditRow.Of;
            return await PrintAsync(AuditReader.ReadAsync(data, filter, parsed.GetValue(follow), cancellation), show, parsed.GetValue(json) ? null : AuditRow.Titles);
        }));
        return command;
    }

    private static async Task<int> PrintAsync(IAsyncEnumerable<JsonElement> lines, Func<JsonElement, string> show, string? titles)
    {
        try
        {
            var isRead = titles is null || StandardStream.Write(StandardStream.Output, titles + "\n");
            await foreach (var line in lines)
            {
                if (!isRead)
                    break;
                isRead = StandardStream.Write(StandardStream.Output, show(line) + "\n");
            }

            return ExitCode.Success;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.BySignal(Libc.SIGINT);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new CommandFailedException($"The audit trail cannot be read: {e.Message} Only the server's user may.");
        }
    }

    private static Option<DateTimeOffset?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            if (AuditTime.TryParse(result.Tokens.Single().Value, DateTimeOffset.UtcNow, out var time))
                return time;
            result.AddError($"{name} takes an age such as 15m, 24h or 7d, or a time such as 2026-01-31 or 2026-01-31T12:00:00Z");
            return null;
        },
    };
}
