using System.CommandLine;
using Porthole.Server;
using Porthole.Server.Store;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole serve</c>: a server in the foreground, its log on stderr.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var listen = new Option<string[]>("--listen")
        {
            Description = "An address to listen on, http://HOST:PORT; may be repeated, port 0 picks a free one [default: http://127.0.0.1:7878]",
            HelpName = "URL",
        };
        var config = new Option<FileInfo?>("--config") { Description = "A JSON file with settings, see docs/configuration.md", HelpName = "FILE" };
        var isolation = new Option<string?>("--isolation") { Description = "How sessions are isolated: auto or namespace [default: auto]", HelpName = "KIND" };
        isolation.AcceptOnlyFromAmong("auto", "namespace", "microvm");

        var allowPath = new Option<string[]>("--allow-path")
        {
            Description = "A directory that images and code may come from, beside inbox in the data directory; may be repeated",
            HelpName = "DIR",
        };

        var logFormat = new Option<string?>("--log-format") { Description = "How the log is written: text or json [default: text]", HelpName = "FORMAT" };
        logFormat.AcceptOnlyFromAmong("text", "json");

        var command = new PortholeCommand("serve", "Run a server in the foreground")
        {
            // The web host has handlers of its own. The library would end the process two seconds after a SIGTERM, whatever is still to be written.
            OwnsSignals = true,
            Notes =
            [
                "Sessions outlive the server: the next one on the same data directory goes on with them. The first start in an empty directory makes an "
                    + "access key and the runtime sandbox, whose sessions see this host's own programs. The log goes to stderr; GET /healthz answers "
                    + "200 when it is ready.",
            ],
            Examples =
            [
                new("porthole serve", "on 127.0.0.1:7878, with the default data directory"),
                new("porthole serve --data-dir DIR --listen http://127.0.0.1:0", "on a free port; porthole env tells which"),
            ],
            ExitCodes = [("1", "it could not start: the directory or the address is in use, or the host cannot run sandboxes")],
            Options = { dataDirectory, listen, config, isolation, allowPath, logFormat },
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                var options = ServerConfiguration.Read(parsed.GetValue(config)?.FullName).ToOptions(parsed.GetValue(dataDirectory)!);
                if (parsed.GetValue(listen) is { Length: > 0 } urls)
                    options = options with { ListenUrls = urls };
                if (parsed.GetValue(isolation) is { } kind)
                    options = options with { Isolation = kind };
                if (parsed.GetValue(allowPath) is { Length: > 0 } directories)
                    options = options with { AllowedPaths = [.. options.AllowedPaths, .. directories.Select(Path.GetFullPath)] };
                if (parsed.GetValue(logFormat) is { } format)
                    options = options with { LogFormat = format };
                await PortholeServer.RunAsync(options, cancellationToken);
                return 0;
            }
            catch (Exception e) when (e is DataDirectoryException or IOException or Sandboxes.SandboxException or ConfigurationException)
            {
                Console.Error.WriteLine($"porthole: {e.Message}");
                return 1;
            }
        });
        return command;
    }
}
