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
            Description = "An address to listen on, http://HOST:PORT or https://HOST:PORT; may be repeated, port 0 picks a free one [default: http://127.0.0.1:7878]",
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

        var tls = new Option<bool>("--tls") { Description = "Listen on https://127.0.0.1:7878 where no address is given; and refuse to start where none is https" };
        var certificate = new Option<FileInfo?>("--tls-cert") { Description = "The certificate for https, with those between it and its authority, PEM [default: one of the data directory's own authority]", HelpName = "FILE" };
        var key = new Option<FileInfo?>("--tls-key") { Description = "Its private key, PEM", HelpName = "FILE" };

        var command = new PortholeCommand("serve", "Run a server in the foreground")
        {
            // The web host has handlers of its own. The library would end the process two seconds after a SIGTERM, whatever is still to be written.
            OwnsSignals = true,
            Notes =
            [
                "Sessions outlive the server: the next one on the same data directory goes on with them. The first start in an empty directory makes an "
                    + "access key and the runtime sandbox, whose sessions see this host's own programs. The log goes to stderr; GET /healthz answers "
                    + "200 when it is ready.",
                "For https without --tls-cert it makes a certificate authority of its own in the data directory; porthole env points clients at it. "
                    + "Certificates that were replaced are noticed within a minute, or on SIGHUP.",
            ],
            Examples =
            [
                new("porthole serve", "on 127.0.0.1:7878, with the default data directory"),
                new("porthole serve --data-dir DIR --listen http://127.0.0.1:0", "on a free port; porthole env tells which"),
                new("porthole serve --tls", "https with a certificate authority of its own"),
                new("porthole serve --listen https://0.0.0.0:443 --tls-cert FILE --tls-key FILE", "for others, with a certificate that they trust"),
            ],
            ExitCodes = [("1", "it could not start: the directory or the address is in use, or the host cannot run sandboxes")],
            Options = { dataDirectory, listen, tls, certificate, key, config, isolation, allowPath, logFormat },
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(certificate) is null != result.GetValue(key) is null) result.AddError("--tls-cert and --tls-key go together");
        });
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
                if (parsed.GetValue(certificate) is { } file)
                    options = options with { Tls = new TlsOptions { Certificate = file.FullName, Key = parsed.GetValue(key)!.FullName } };
                if (parsed.GetValue(tls))
                    options = WithTls(options);
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

    private static ServerOptions WithTls(ServerOptions options)
    {
        var standard = new ServerOptions { DataDirectory = options.DataDirectory }.ListenUrls;
        if (options.ListenUrls.SequenceEqual(standard)) return options with { ListenUrls = [.. standard.Select(static url => url.Replace("http:", "https:", StringComparison.Ordinal))] };
        return options.ListenUrls.Any(static url => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
            ? options
            : throw new ConfigurationException("--tls was given, but no address to listen on begins with https://.");
    }
}
