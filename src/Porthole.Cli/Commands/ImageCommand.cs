using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Porthole.Cli.Terminal;
using Porthole.Client;
using Porthole.Sandboxes.Images;
using Porthole.Server.Store;
using Spectre.Console;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole image</c>: the images of a server.</summary>
internal static class ImageCommand
{
    // Digests are there to be copied: the table grows beyond the window instead of cutting them.
    private const int TableWidth = 4096;

    private static readonly string[] Titles = ["DIGEST", "SIZE", "ASKED FOR", "IN USE", "NAMES"];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static Command Create() => new PortholeCommand("image", "Get, list and remove the images of runtimes")
    {
        Examples =
        [
            new("porthole image pull docker.io/library/debian:12", "get an image before a runtime needs it"),
            new("porthole image list", "what the server keeps"),
            new("porthole image prune", "remove what no runtime and no session needs"),
        ],
        Subcommands = { CreateList(), CreatePull(), CreatePrune(), CreateLogin() },
    };

    private static PortholeCommand CreateList()
    {
        var target = new TargetOptions();
        var json = JsonOption();
        var command = new PortholeCommand("list", "List the images that the server keeps")
        {
            Notes = [TargetOptions.Note],
            Examples =
            [
                new("porthole image list", "as a table"),
                new("porthole image list --json | jq -r '.[] | select(.inUse | not) | .digest'", "those that prune would remove"),
            ],
            ExitCodes = [("1", "the server could not be asked")],
            Options = { json, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            Print(await server.Client.ListImagesAsync(cancellation), parsed.GetValue(json), "No images.");
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreatePull()
    {
        var target = new TargetOptions();
        var reference = new Argument<string>("IMAGE")
        {
            Description = "A name such as registry.example/team/agent:tag or …@sha256:…, or of the server's own files "
                + "oci:/DIRECTORY[:TAG], oci-archive:/FILE, docker-archive:/FILE",
            HelpName = "IMAGE",
        };
        var json = new Option<bool>("--json") { Description = "Print a line of JSON for each step, for programs" };
        var command = new PortholeCommand("pull", "Get an image to the server")
        {
            Notes = ["What has arrived is kept when a pull fails or is interrupted, and the next one goes on from there.", TargetOptions.Note],
            Examples =
            [
                new("porthole image pull registry.example/team/agent:1", "from a registry"),
                new("porthole image pull docker-archive:/var/lib/porthole/inbox/agent.tar", "what docker save wrote"),
            ],
            ExitCodes = [("1", "the image could not be had, or the server not be asked")],
            Arguments = { reference },
            Options = { json, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var steps = server.Client.PullImageAsync(parsed.GetValue(reference)!, cancellation);
            if (parsed.GetValue(json))
            {
                await foreach (var step in steps)
                    StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(step, Json) + "\n");
            }
            else
            {
                StandardStream.Write(StandardStream.Output, await ImagePullDisplay.ShowAsync(steps) + "\n");
            }

            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreatePrune()
    {
        var target = new TargetOptions();
        var json = JsonOption();
        var command = new PortholeCommand("prune", "Remove the images that no runtime and no session needs")
        {
            Notes = ["Images that were asked for within the last ten minutes stay. Layers that were kept for pulls that failed go as well.", TargetOptions.Note],
            Examples = [new("porthole image prune", "free the disk")],
            ExitCodes = [("1", "the server could not be asked")],
            Options = { json, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            Print(await server.Client.PruneImagesAsync(cancellation), parsed.GetValue(json), "Nothing to remove.");
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateLogin()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var registry = new Argument<string>("REGISTRY") { Description = "HOST or HOST:PORT", HelpName = "REGISTRY" };
        var user = new Option<string?>("--username") { Description = "The user; asked for when not given", HelpName = "NAME" };
        var fromInput = new Option<bool>("--password-stdin") { Description = "Read the password from standard input" };
        var command = new PortholeCommand("login", "Give the server of this machine credentials for a registry")
        {
            Notes = ["They are tried at the registry, and kept in auth.json of the data directory in the format of docker's config.json. Needs skopeo."],
            Examples = [new("cat token | porthole image login registry.example --username ci --password-stdin", "in a script")],
            ExitCodes = [("1", "the registry refused them, or cannot be reached")],
            Arguments = { registry },
            Options = { user, fromInput, dataDirectory },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            var name = parsed.GetValue(registry)!;
            List<string> words = ["login", "--authfile", DataDirectory.Existing(parsed.GetValue(dataDirectory)!).RegistryCredentialsPath];
            if (Registry.IsLoopback(name)) words.Add("--tls-verify=false");
            if (parsed.GetValue(user) is { } given) words.AddRange(["--username", given]);
            if (parsed.GetValue(fromInput)) words.Add("--password-stdin");
            return await RunSkopeoAsync([.. words, "--", name], cancellation);
        }));
        return command;
    }

    // It asks for what is missing by itself.
    private static async Task<int> RunSkopeoAsync(IReadOnlyList<string> words, CancellationToken cancellation)
    {
        try
        {
            using var process = Process.Start("skopeo", words);
            await process.WaitForExitAsync(cancellation);
            return process.ExitCode == 0 ? ExitCode.Success : ExitCode.Failure;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new CommandFailedException("skopeo is missing: install the package skopeo.");
        }
    }

    private static Option<bool> JsonOption() => new("--json") { Description = "Print a JSON array for programs" };

    private static void Print(IReadOnlyList<ImageDescription> images, bool json, string none)
    {
        if (json)
        {
            StandardStream.Write(StandardStream.Output, JsonSerializer.Serialize(images, Json) + "\n");
            return;
        }

        if (images.Count == 0)
        {
            StandardStream.Write(StandardStream.Error, none + "\n");
            return;
        }

        var table = new Table().Border(TableBorder.None).AddColumns(
            [.. Titles.Select(static title => new TableColumn(title) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) })]);
        foreach (var image in images)
        {
            var asked = image.PreparedAt.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            string[] cells = [image.Digest, Size(image.Bytes), asked, image.InUse ? "yes" : "no", string.Join(' ', image.References)];
            table.AddRow([.. cells.Select(Markup.Escape)]);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        console.Profile.Width = TableWidth;
        console.Write(table);
    }

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
}
