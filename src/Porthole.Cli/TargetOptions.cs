using System.CommandLine;

namespace Porthole.Cli;

/// <summary>The options by which every client command finds its server and runtime.</summary>
internal sealed class TargetOptions
{
    /// <summary>What the help says about them.</summary>
    public const string Note =
        "The server is the one of --endpoint, else of --data-dir, else of the environment (AWS_ENDPOINT_URL_BEDROCK_AGENTCORE or PORTHOLE_ENDPOINT, "
        + "as porthole env sets them), else of the default data directory. With an address, the access key comes from AWS_ACCESS_KEY_ID and "
        + "AWS_SECRET_ACCESS_KEY or from the shared credentials file.";

    public Option<string> DataDirectory { get; } = DataDirectoryOption.Create();

    public Option<string?> Endpoint { get; } = new("--endpoint")
    {
        Description = "A server's address, http://HOST:PORT or https://HOST, for one of another host or AWS's own",
        HelpName = "URL",
    };

    public Option<string?> Runtime { get; } = new("--runtime")
    {
        Description = "The runtime, by name or ARN [env: PORTHOLE_RUNTIME_ARN] [default: the server's own, sandbox]",
        HelpName = "NAME|ARN",
    };

    public Option<string?> Qualifier { get; } = new("--qualifier") { Description = "The runtime's endpoint [default: DEFAULT]", HelpName = "NAME" };

    /// <summary>Finds the server.</summary>
    /// <exception cref="CommandFailedException">There is none, or an option says nonsense.</exception>
    public Target Find(ParseResult parsed)
    {
        var path = parsed.GetValue(DataDirectory)!;
        if (parsed.GetValue(Endpoint) is { } endpoint) return Target.OfEndpoint(endpoint);
        if (parsed.GetResult(DataDirectory) is { Implicit: false }) return Target.OfDataDirectory(path, ["--data-dir", Path.GetFullPath(path)]);
        return Target.IsInEnvironment ? Target.OfEnvironment() : Target.OfDataDirectory(path, []);
    }
}
