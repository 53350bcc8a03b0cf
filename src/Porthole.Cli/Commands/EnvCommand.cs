using System.CommandLine;
using System.Text.Json;
using Porthole.Cli.Terminal;
using Porthole.Server;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole env</c>: the environment that points every official client at a server.</summary>
internal static class EnvCommand
{
    public static Command Create()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var format = new Option<string>("--format") { Description = "sh, json or dotenv", HelpName = "FORMAT", DefaultValueFactory = _ => "sh" };
        format.AcceptOnlyFromAmong("sh", "json", "dotenv");
        var command = new PortholeCommand("env", "Print the environment that points clients at a server")
        {
            Notes = ["With https of the data directory's own authority, it has them trust that as well. The keys stay in a file that only its owner can read; the environment names the file. A key that the environment has already is taken out of it, because the official clients would prefer it."],
            Examples =
            [
                new("eval \"$(porthole env)\"", "for this shell and what it starts: boto3, the AWS SDKs, porthole itself"),
                new("porthole env --format dotenv > .env", "for tools that read such a file"),
            ],
            ExitCodes = [("1", "no server has run on the data directory yet")],
            Options = { format, dataDirectory },
        };
        command.SetAction((parsed, _) => Failures.ReportAsync(ExitCode.Failure, () =>
        {
            var path = parsed.GetValue(dataDirectory)!;
            var server = ServerInfo.Read(path) ?? throw new CommandFailedException($"No server has run on {path} yet. Start one with: porthole serve --data-dir {path}");
            StandardStream.Write(StandardStream.Output, Render(server.ToEnvironment(), parsed.GetValue(format)!));
            return Task.FromResult(ExitCode.Success);
        }));
        return command;
    }

    // The official clients would prefer these to the credentials file.
    private const string StrongerNames = "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE\n";

    private static string Render(IReadOnlyDictionary<string, string> variables, string format) => format switch
    {
        "json" => JsonSerializer.Serialize(variables) + "\n",
        "dotenv" => string.Concat(variables.Select(pair => $"{pair.Key}=\"{pair.Value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("$", "\\$")}\"\n")),
        _ => string.Concat(variables.Select(pair => $"export {pair.Key}='{pair.Value.Replace("'", "'\\''")}'\n")) + StrongerNames,
    };
}
