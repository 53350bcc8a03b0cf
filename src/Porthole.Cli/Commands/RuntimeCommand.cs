using System.CommandLine;
using Porthole.Cli.Terminal;
using Porthole.Client;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole runtime</c>: what sessions are made of.</summary>
internal static class RuntimeCommand
{
    private const string IsolationTag = "porthole:isolation", IdleTag = "porthole:when-idle";

    private static readonly string[] Titles = ["NAME", "ID", "VERSION", "STATUS", "CHANGED", "DESCRIPTION"];

    public static Command Create() => new PortholeCommand("runtime", "Create, show and change runtimes: what sessions are made of")
    {
        Examples =
        [
            new("porthole runtime create agent --image registry.example/agent:1", "an agent of an image"),
            new("porthole runtime list", "every runtime of the server"),
            new("porthole shell --runtime agent", "a terminal in a session of it"),
        ],
        Subcommands = { CreateCreate(), CreateList(), CreateShow(), CreateUpdate(), CreateDelete() },
    };

    private static PortholeCommand CreateCreate()
    {
        var (target, settings, json, noWait) = (new TargetOptions(), new RuntimeSettingsOptions(), JsonText.Option(), NoWait());
        var name = new Argument<string>("name") { Description = "Its name: a letter, then letters, digits or '_'", HelpName = "NAME" };
        var tags = new Option<string[]>("--tag") { Description = "A tag; may be repeated", HelpName = "KEY=VALUE" };
        var isolation = new Option<string?>("--isolation") { Description = $"What stands between its sessions and the host; the tag {IsolationTag}", HelpName = "KIND" };
        isolation.AcceptOnlyFromAmong("namespace", "microvm");
        var idle = new Option<string?>("--when-idle") { Description = $"What becomes of an idle session; only microVMs are suspended, others stop; the tag {IdleTag}", HelpName = "ACTION" };
        idle.AcceptOnlyFromAmong("stop", "suspend");
        tags.Validators.Add(static result =>
        {
            if (result.Tokens.FirstOrDefault(static token => token.Value.IndexOf('=') < 1) is { } wrong) result.AddError($"--tag takes KEY=VALUE, not '{wrong.Value}'");
        });
        var command = new PortholeCommand("create", "Create a runtime and wait until it is ready")
        {
            Notes = [TargetOptions.Note],
            Examples =
            [
                new("porthole runtime create tools --image host --env EDITOR=nano", "the server's own tools, with a variable of its own"),
                new("porthole runtime create agent --image oci:/var/lib/porthole/inbox/agent --storage /mnt/data --isolation microvm", "an image from a directory, in virtual machines"),
            ],
            ExitCodes = [("1", "it could not be made: the message is the reason")],
            Arguments = { name },
            Options = { tags, isolation, idle, noWait, json, target.DataDirectory, target.Endpoint },
        };
        foreach (var option in settings.ForCreate) command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var all = (parsed.GetValue(tags) ?? []).ToDictionary(static pair => pair[..pair.IndexOf('=')], static pair => pair[(pair.IndexOf('=') + 1)..]);
            if (parsed.GetValue(isolation) is { } kind) all[IsolationTag] = kind;
            if (parsed.GetValue(idle) is { } action) all[IdleTag] = action;
            var id = await server.Client.CreateRuntimeAsync(parsed.GetValue(name)!, settings.Apply(parsed, new AgentRuntimeSettings()), all, cancellation);
            await ReportAsync(server, id, !parsed.GetValue(noWait), parsed.GetValue(json), cancellation);
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateList()
    {
        var (target, json) = (new TargetOptions(), JsonText.Option());
        var command = new PortholeCommand("list", "List the server's runtimes")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole runtime list --json | jq -r '.[].agentRuntimeArn'", "their ARNs")],
            ExitCodes = [("1", "the server could not be asked")],
            Options = { json, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var runtimes = await server.Client.ListRuntimesAsync(cancellation).ToListAsync(cancellation);
            if (parsed.GetValue(json)) JsonText.Print(runtimes);
            else if (runtimes.Count == 0) StandardStream.Write(StandardStream.Error, "No runtimes.\n");
            else TextTable.Print(Titles, runtimes.Select(Row));
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateShow()
    {
        var (target, json) = (new TargetOptions(), JsonText.Option());
        var name = RuntimeArgument();
        var version = new Option<string?>("--version") { Description = "One of its versions [default: the newest]", HelpName = "N" };
        var command = new PortholeCommand("show", "Show a runtime with its versions, endpoints and tags")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole runtime show agent", "what it is"), new("porthole runtime show agent --json | jq .status", "its state, for scripts")],
            ExitCodes = [("1", "there is none, or the server could not be asked")],
            Arguments = { name },
            Options = { version, json, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var id = await server.FindRuntimeIdAsync(parsed.GetValue(name), cancellation);
            var runtime = await server.Client.GetRuntimeAsync(id, parsed.GetValue(version), cancellation);
            if (parsed.GetValue(json)) JsonText.Print(runtime);
            else await PrintAsync(server.Client, runtime, cancellation);
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateUpdate()
    {
        var (target, settings, json, noWait) = (new TargetOptions(), new RuntimeSettingsOptions(), JsonText.Option(), NoWait());
        var name = RuntimeArgument();
        var command = new PortholeCommand("update", "Make the next version of a runtime, and wait until it is ready")
        {
            Notes = ["What is not given stays as it is. Sessions that run keep their version; new ones get the next.", TargetOptions.Note],
            Examples = [new("porthole runtime update agent --image registry.example/agent:2", "another image"), new("porthole runtime update agent --env DEBUG=1", "another variable")],
            ExitCodes = [("1", "it could not be made: the message is the reason, and the version before goes on")],
            Arguments = { name },
            Options = { noWait, json, target.DataDirectory, target.Endpoint },
        };
        foreach (var option in settings.ForUpdate) command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var id = await server.FindRuntimeIdAsync(parsed.GetValue(name), cancellation);
            var known = await server.Client.GetRuntimeAsync(id, cancellation: cancellation);
            await server.Client.UpdateRuntimeAsync(id, settings.Apply(parsed, known), cancellation);
            await ReportAsync(server, id, !parsed.GetValue(noWait), parsed.GetValue(json), cancellation);
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateDelete()
    {
        var (target, noWait) = (new TargetOptions(), NoWait());
        var name = RuntimeArgument();
        var version = new Option<string?>("--version") { Description = "Only this version, which no endpoint may serve", HelpName = "N" };
        var command = new PortholeCommand("delete", "Delete a runtime with its endpoints, its sessions and their files")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole runtime delete agent", "all of it")],
            ExitCodes = [("1", "there is none, or it is being changed")],
            Arguments = { name },
            Options = { version, noWait, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var id = await server.FindRuntimeIdAsync(parsed.GetValue(name), cancellation);
            await server.Client.DeleteRuntimeAsync(id, parsed.GetValue(version), cancellation);
            if (!parsed.GetValue(noWait)) await Settling.GoneAsync(id, () => server.Client.GetRuntimeAsync(id, parsed.GetValue(version), cancellation), cancellation);
            return ExitCode.Success;
        }));
        return command;
    }

    private static async Task ReportAsync(Target server, string id, bool wait, bool json, CancellationToken cancellation)
    {
        var runtime = wait ? await Settling.OfRuntimeAsync(server.Client, id, cancellation) : await server.Client.GetRuntimeAsync(id, cancellation: cancellation);
        if (json) JsonText.Print(runtime);
        else StandardStream.Write(StandardStream.Output, $"{runtime.AgentRuntimeArn}\n");
    }

    private static async Task PrintAsync(AgentCoreClient client, AgentRuntimeDescription runtime, CancellationToken cancellation)
    {
        var versions = await client.ListRuntimeVersionsAsync(runtime.AgentRuntimeId, cancellation).ToListAsync(cancellation);
        var endpoints = await client.ListEndpointsAsync(runtime.AgentRuntimeId, cancellation).ToListAsync(cancellation);
        var tags = await client.ListTagsAsync(runtime.AgentRuntimeArn, cancellation);
        var code = runtime.AgentRuntimeArtifact?.CodeConfiguration;
        TextTable.PrintFields(
        [
            ("Name", runtime.AgentRuntimeName),
            ("ARN", runtime.AgentRuntimeArn),
            ("Status", runtime.FailureReason is { } reason ? $"{runtime.Status}: {reason}" : runtime.Status),
            ("Version", $"{runtime.AgentRuntimeVersion} (of {string.Join(", ", versions.Select(static version => version.AgentRuntimeVersion))})"),
            ("Description", runtime.Description),
            ("Image", runtime.AgentRuntimeArtifact?.ContainerConfiguration?.ContainerUri),
            ("Code", code is null ? null : $"{Path.Combine(code.Code.S3.Bucket, code.Code.S3.Prefix)} ({code.Runtime}: {string.Join(' ', code.EntryPoint)})"),
            ("Network", runtime.NetworkConfiguration?.NetworkMode),
            ("Sessions", $"idle {runtime.LifecycleConfiguration?.IdleRuntimeSessionTimeout} s, at most {runtime.LifecycleConfiguration?.MaxLifetime} s"),
            ("Protocol", runtime.ProtocolConfiguration?.ServerProtocol),
            ("Storage", runtime.FilesystemConfigurations is [{ SessionStorage: { } storage }, ..] ? storage.MountPath : null),
            ("Variables", string.Join(", ", (runtime.EnvironmentVariables ?? new Dictionary<string, string>()).Keys)),
            ("Bearer tokens", runtime.AuthorizerConfiguration?.ToString()),
            ("Endpoints", string.Join(", ", endpoints.Select(static endpoint => $"{endpoint.Name} (version {endpoint.LiveVersion ?? endpoint.TargetVersion}, {endpoint.Status})"))),
            ("Tags", string.Join(", ", tags.Select(static tag => $"{tag.Key}={tag.Value}"))),
            ("Changed", $"{runtime.LastUpdatedAt:u}"),
        ]);
    }

    private static string[] Row(AgentRuntimeSummary runtime) =>
        [runtime.AgentRuntimeName, runtime.AgentRuntimeId, runtime.AgentRuntimeVersion, runtime.Status, $"{TextTable.Age(runtime.LastUpdatedAt)} ago", runtime.Description.ReplaceLineEndings(" ")];

    private static Argument<string> RuntimeArgument() => new("runtime") { Description = "The runtime, by name, id or ARN", HelpName = "NAME|ARN" };

    private static Option<bool> NoWait() => new("--no-wait") { Description = "Return at once; the work goes on in the server" };
}
