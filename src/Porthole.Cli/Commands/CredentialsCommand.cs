using System.CommandLine;
using System.Text.Json;
using Porthole.Cli.Terminal;
using Porthole.Client;
using Spectre.Console;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole credentials</c>: access keys, and what they may do.</summary>
internal static class CredentialsCommand
{
    // Ids are there to be copied: the table grows beyond the window instead of cutting them.
    private const int TableWidth = 4096;

    private static readonly string[] Titles = ["ACCESS KEY", "NAME", "MAY DO", "CREATED", "STATE"];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Command Create() => new PortholeCommand("credentials", "Make, list and revoke access keys")
    {
        Examples = [new("porthole credentials list", "every key"), new("porthole credentials create --name ci --policy FILE", "one that may do what a policy allows")],
        Subcommands = { CreateCreate(), CreateList(), CreateRevoke() },
    };

    private static PortholeCommand CreateCreate()
    {
        var target = new TargetOptions();
        var name = new Option<string?>("--name") { Description = "What the key is for; policies know its holder as user/NAME, and it is the profile's name", HelpName = "NAME" };
        var policy = new Option<FileInfo?>("--policy") { Description = "An IAM policy in JSON, see docs/identity.md; without one the key may do everything", HelpName = "FILE" };
        var write = new Option<FileInfo?>("--write") { Description = "An AWS credentials file to add the key to, instead of printing it", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print a JSON object for programs" };
        var command = new PortholeCommand("create", "Make an access key")
        {
            Notes = ["The key is printed as a profile for ~/.aws/credentials. Its secret is shown this once: the server does not tell it again.", TargetOptions.Note],
            Examples =
            [
                new("porthole credentials create --name ci --policy FILE", "print a key that may do what the policy allows"),
                new("porthole credentials create --name ci --write FILE", "add it to a credentials file"),
            ],
            ExitCodes = [("1", "the policy is none that the server understands, or the server could not be asked")],
            Options = { name, policy, write, json, target.DataDirectory, target.Endpoint },
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(write) is not null) result.AddError("--json and --write exclude each other");
        });
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            var file = parsed.GetValue(write)?.FullName;
            var profile = parsed.GetValue(name);
            if (file is not null) CredentialsProfile.Check(file, profile ?? "default");
            using var server = target.Find(parsed);
            var key = await server.Client.CreateAccessKeyAsync(profile, Read(parsed.GetValue(policy)), cancellation);
            if (parsed.GetValue(json)) StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(key, Json) + "\n");
            else if (file is null) StandardStream.Write(StandardStream.Output, CredentialsProfile.Text(profile ?? "default", key));
            else
            {
                CredentialsProfile.Append(file, profile ?? "default", key);
                StandardStream.Write(StandardStream.Output, $"{key.AccessKeyId}\n");
            }

            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateList()
    {
        var target = new TargetOptions();
        var json = new Option<bool>("--json") { Description = "Print a JSON array for programs, policies included" };
        var command = new PortholeCommand("list", "List access keys, the revoked ones included")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole credentials list", "as a table"), new("porthole credentials list --json", "with their policies")],
            ExitCodes = [("1", "the server could not be asked")],
            Options = { json, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var keys = await server.Client.ListAccessKeysAsync(cancellation);
            if (parsed.GetValue(json)) StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(keys, Json) + "\n");
            else PrintTable(keys);
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateRevoke()
    {
        var target = new TargetOptions();
        var ids = new Argument<string[]>("ID") { Description = "The access keys", Arity = ArgumentArity.OneOrMore };
        var command = new PortholeCommand("revoke", "Take access keys back, at once and for good")
        {
            Notes = ["Shells that a key opened are closed; they go on without a client, and their sessions too. The last key that may do everything cannot be revoked.", TargetOptions.Note],
            Examples = [new("porthole credentials revoke ID", "one key")],
            ExitCodes = [("1", "a key does not exist or is the last one, or the server could not be asked; the others have been revoked all the same")],
            Arguments = { ids },
            Options = { target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var worst = ExitCode.Success;

            // One after the other: the one that asks may be among them, and then the rest is refused.
            foreach (var id in parsed.GetValue(ids)!)
            {
                worst = Math.Max(worst, await Failures.ReportAsync(ExitCode.Failure, async () =>
                {
                    await server.Client.RevokeAccessKeyAsync(id, cancellation);
                    return ExitCode.Success;
                }));
            }

            return worst;
        }));
        return command;
    }

    private static string? Read(FileInfo? policy)
    {
        try
        {
            return policy is null ? null : File.ReadAllText(policy.FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"The policy cannot be read: {e.Message}");
        }
    }

    private static void PrintTable(IReadOnlyList<AccessKeyDescription> keys)
    {
        var table = new Table().Border(TableBorder.None).AddColumns(
            [.. Titles.Select(static title => new TableColumn(title) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) })]);
        foreach (var key in keys)
        {
            string[] cells =
            [
                key.AccessKeyId, key.Name ?? "", key.Policy is null ? "everything" : "its policy", $"{key.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm}",
                key.RevokedAt is { } revoked ? $"revoked {revoked.UtcDateTime:yyyy-MM-dd HH:mm}" : "active",
            ];
            table.AddRow([.. cells.Select(Markup.Escape)]);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        console.Profile.Width = TableWidth;
        console.Write(table);
    }
}
