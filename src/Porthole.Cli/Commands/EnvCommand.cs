using System.CommandLine;
using System.Text.Json;
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
        var command = new Command("env", "Print the environment that points clients at a server: eval \"$(porthole env)\"") { dataDirectory, format };
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(dataDirectory)!;
            if (ServerInfo.Read(path) is not { } server)
            {
                Console.Error.WriteLine($"porthole: no server has run on {path} yet. Start one with 'porthole serve --data-dir {path}'.");
                return 1;
            }

            Console.Out.Write(Render(server.ToEnvironment(), parsed.GetValue(format)!));
            return 0;
        });
        return command;
    }

    private static string Render(IReadOnlyDictionary<string, string> variables, string format) => format switch
    {
        "json" => JsonSerializer.Serialize(variables) + "\n",
        "dotenv" => string.Concat(variables.Select(pair => $"{pair.Key}=\"{pair.Value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("$", "\\$")}\"\n")),
        _ => string.Concat(variables.Select(pair => $"export {pair.Key}='{pair.Value.Replace("'", "'\\''")}'\n")),
    };
}
