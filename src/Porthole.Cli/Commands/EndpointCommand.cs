using System.CommandLine;
using Porthole.Cli.Terminal;
using Porthole.Client;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole endpoint</c>: the names under which clients reach versions of a runtime.</summary>
internal static class EndpointCommand
{
    private static readonly string[] Titles = ["NAME", "LIVE", "TARGET", "STATUS", "CHANGED", "DESCRIPTION"];

    public static Command Create() => new PortholeCommand("endpoint", "Create, show and move endpoints: names for versions of a runtime")
    {
        Notes = ["Every runtime has the endpoint DEFAULT, which follows its newest version. Another one stays at its version until it is moved."],
        Examples =
        [
            new("porthole endpoint create production --runtime agent --version 3", "a name for version 3"),
            new("porthole endpoint update production --runtime agent --version 4", "the same name for version 4"),
            new("porthole shell --runtime agent --qualifier production", "a session through it"),
        ],
        Subcommands =
        {
            CreateChange("create", "Create an endpoint and wait until it is ready", static (client, id, name, version, text, cancellation) => client.CreateEndpointAsync(id, name, version, text, cancellation)),
            CreateList(),
            CreateShow(),
            CreateChange("update", "Move an endpoint to another version", static (client, id, name, version, text, cancellation) => client.UpdateEndpointAsync(id, name, version, text, cancellation)),
            CreateDelete(),
        },
    };

    private static PortholeCommand CreateChange(
        string verb, string description, Func<AgentCoreClient, string, string, string?, string?, CancellationToken, Task> change)
    {
        var (target, json, name) = (new TargetOptions(), JsonText.Option(), NameArgument());
        var version = new Option<string?>("--version")
        {
            Description = verb == "create" ? "The version that it serves [default: the newest]" : "The version that it shall serve [default: as it is]",
            HelpName = "N",
        };
        var text = new Option<string?>("--description") { Description = "What it is for", HelpName = "TEXT" };
        var noWait = new Option<bool>("--no-wait") { Description = "Return at once; the work goes on in the server" };
        var command = new PortholeCommand(verb, description)
        {
            Notes = [TargetOptions.Note],
            Examples = [new($"porthole endpoint {verb} production --runtime agent --version 3", "production is version 3")],
            ExitCodes = [("1", "it could not be done: the message is the reason")],
            Arguments = { name },
            Options = { version, text, noWait, json, target.Runtime, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var (id, endpointName) = (await server.FindRuntimeIdAsync(parsed.GetValue(target.Runtime), cancellation), parsed.GetValue(name)!);
            await change(server.Client, id, endpointName, parsed.GetValue(version), parsed.GetValue(text), cancellation);
            var endpoint = parsed.GetValue(noWait)
                ? await server.Client.GetEndpointAsync(id, endpointName, cancellation)
                : await Settling.OfEndpointAsync(server.Client, id, endpointName, cancellation);
            if (parsed.GetValue(json)) JsonText.Print(endpoint);
            else StandardStream.Write(StandardStream.Output, $"{endpoint.AgentRuntimeEndpointArn}\n");
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateList()
    {
        var (target, json) = (new TargetOptions(), JsonText.Option());
        var command = new PortholeCommand("list", "List a runtime's endpoints")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole endpoint list --runtime agent", "as a table")],
            ExitCodes = [("1", "the server could not be asked")],
            Options = { json, target.Runtime, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var id = await server.FindRuntimeIdAsync(parsed.GetValue(target.Runtime), cancellation);
            var endpoints = await server.Client.ListEndpointsAsync(id, cancellation).ToListAsync(cancellation);
            if (parsed.GetValue(json)) JsonText.Print(endpoints);
            else TextTable.Print(Titles, endpoints.Select(Row));
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateShow()
    {
        var (target, json, name) = (new TargetOptions(), JsonText.Option(), NameArgument());
        var command = new PortholeCommand("show", "Show an endpoint")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole endpoint show DEFAULT --runtime agent", "which version new sessions get")],
            ExitCodes = [("1", "there is none, or the server could not be asked")],
            Arguments = { name },
            Options = { json, target.Runtime, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var id = await server.FindRuntimeIdAsync(parsed.GetValue(target.Runtime), cancellation);
            var endpoint = await server.Client.GetEndpointAsync(id, parsed.GetValue(name)!, cancellation);
            if (parsed.GetValue(json)) JsonText.Print(endpoint);
            else Print(endpoint);
            return ExitCode.Success;
        }));
        return command;
    }

    private static PortholeCommand CreateDelete()
    {
        var (target, name) = (new TargetOptions(), NameArgument());
        var command = new PortholeCommand("delete", "Delete an endpoint with the sessions that were made through it")
        {
            Notes = [TargetOptions.Note],
            Examples = [new("porthole endpoint delete production --runtime agent", "the version itself stays")],
            ExitCodes = [("1", "there is none, or it is DEFAULT, which lives as long as its runtime")],
            Arguments = { name },
            Options = { target.Runtime, target.DataDirectory, target.Endpoint },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            using var server = target.Find(parsed);
            var (id, endpoint) = (await server.FindRuntimeIdAsync(parsed.GetValue(target.Runtime), cancellation), parsed.GetValue(name)!);
            await server.Client.DeleteEndpointAsync(id, endpoint, cancellation);
            await Settling.GoneAsync(endpoint, () => server.Client.GetEndpointAsync(id, endpoint, cancellation), cancellation);
            return ExitCode.Success;
        }));
        return command;
    }

    private static void Print(AgentRuntimeEndpoint endpoint) => TextTable.PrintFields(
    [
        ("Name", endpoint.Name),
        ("ARN", endpoint.AgentRuntimeEndpointArn),
        ("Status", endpoint.FailureReason is { } reason ? $"{endpoint.Status}: {reason}" : endpoint.Status),
        ("Live version", endpoint.LiveVersion),
        ("Target version", endpoint.TargetVersion),
        ("Description", endpoint.Description),
        ("Changed", $"{endpoint.LastUpdatedAt:u}"),
    ]);

    private static string[] Row(AgentRuntimeEndpoint endpoint) =>
        [endpoint.Name, endpoint.LiveVersion ?? "", endpoint.TargetVersion ?? "", endpoint.Status, $"{TextTable.Age(endpoint.LastUpdatedAt)} ago", endpoint.Description ?? ""];

    private static Argument<string> NameArgument() => new("name") { Description = "The endpoint", HelpName = "NAME" };
}
