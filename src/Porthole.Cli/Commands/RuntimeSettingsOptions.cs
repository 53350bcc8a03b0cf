using System.CommandLine;
using System.Text.Json;
using Porthole.Client;

namespace Porthole.Cli.Commands;

/// <summary>The options that say what a runtime is. What is not given stays as it is, so that one set serves create and update.</summary>
internal sealed class RuntimeSettingsOptions
{
    private const string DefaultRole = "arn:aws:iam::000000000000:role/porthole";

    private readonly Option<string?> _image = new("--image")
    {
        Description = "An image: registry/name:tag, oci:/directory[:tag], docker-archive:/file.tar, or host for the server's own tools",
        HelpName = "REF",
    };

    private readonly Option<string?> _code = new("--code") { Description = "A zip of code on the server's machine, instead of an image", HelpName = "PATH" };
    private readonly Option<string?> _codeRuntime = new("--code-runtime") { Description = "What runs the code, such as PYTHON_3_12 or NODE_22", HelpName = "NAME" };
    private readonly Option<string[]> _entryPoint = new("--entry-point") { Description = "The file to run in the zip, after a program that runs it, if any", HelpName = "WORD", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _role = new("--role") { Description = $"The role that AWS would assume [default: {DefaultRole}]", HelpName = "ARN" };
    private readonly Option<string?> _description = new("--description") { Description = "What it is for", HelpName = "TEXT" };
    private readonly Option<string[]> _variables = new("--env") { Description = "A variable of the agent, of shells and of commands; may be repeated", HelpName = "NAME=VALUE" };
    private readonly Option<string[]> _noVariables = new("--unset-env") { Description = "A variable to take away; may be repeated", HelpName = "NAME" };
    private readonly Option<string?> _network = new("--network") { Description = "PUBLIC for the world outside the host, VPC for nothing", HelpName = "MODE" };
    private readonly Option<int?> _idle = new("--idle-timeout") { Description = "Seconds until an unused session ends, 60 to 28800", HelpName = "S" };
    private readonly Option<int?> _lifetime = new("--max-lifetime") { Description = "Seconds until any session ends, 60 to 28800", HelpName = "S" };
    private readonly Option<string?> _protocol = new("--protocol") { Description = "What the agent speaks: HTTP, MCP, A2A or AGUI", HelpName = "NAME" };
    private readonly Option<string[]> _headers = new("--header") { Description = "A request header that reaches the agent; may be repeated", HelpName = "NAME" };
    private readonly Option<string?> _storage = new("--storage") { Description = "Where sessions see storage that outlives them, below /mnt/", HelpName = "PATH" };
    private readonly Option<FileInfo?> _authorizer = new("--authorizer") { Description = "A file with the authorizerConfiguration as JSON, for bearer tokens instead of signatures", HelpName = "FILE" };

    public RuntimeSettingsOptions()
    {
        _network.AcceptOnlyFromAmong("PUBLIC", "VPC");
        _protocol.AcceptOnlyFromAmong("HTTP", "MCP", "A2A", "AGUI");
        _variables.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(static token => token.Value.IndexOf('=') < 1) is { } wrong) result.AddError($"--env takes NAME=VALUE, not '{wrong.Value}'");
        });
    }

    public IEnumerable<Option> ForCreate => ForUpdate.Where(option => option != _noVariables);

    public IEnumerable<Option> ForUpdate =>
        [_image, _code, _codeRuntime, _entryPoint, _role, _description, _variables, _noVariables, _network, _idle, _lifetime, _protocol, _headers, _storage, _authorizer];

    /// <summary>Puts what was given over what was there.</summary>
    /// <exception cref="CommandFailedException">The options do not fit together, or the file cannot be read.</exception>
    public AgentRuntimeSettings Apply(ParseResult parsed, AgentRuntimeSettings settings) => settings with
    {
        AgentRuntimeArtifact = Artifact(parsed) ?? settings.AgentRuntimeArtifact
            ?? throw new CommandFailedException("What shall it be made of? Give --image, which may be host, or --code."),
        RoleArn = parsed.GetValue(_role) ?? settings.RoleArn ?? DefaultRole,
        NetworkConfiguration = parsed.GetValue(_network) is { } mode ? new NetworkConfiguration(mode) : settings.NetworkConfiguration ?? new NetworkConfiguration("PUBLIC"),
        Description = parsed.GetValue(_description) ?? settings.Description,
        AuthorizerConfiguration = parsed.GetValue(_authorizer) is { } file ? ReadJson(file) : settings.AuthorizerConfiguration,
        RequestHeaderConfiguration = parsed.GetValue(_headers) is { Length: > 0 } headers ? new RequestHeaderConfiguration(headers) : settings.RequestHeaderConfiguration,
        ProtocolConfiguration = parsed.GetValue(_protocol) is { } protocol ? new ProtocolConfiguration(protocol) : settings.ProtocolConfiguration,
        LifecycleConfiguration = Lifecycle(parsed, settings.LifecycleConfiguration),
        EnvironmentVariables = Variables(parsed, settings.EnvironmentVariables),
        FilesystemConfigurations = parsed.GetValue(_storage) is { } path ? [new FilesystemConfiguration(new SessionStorageConfiguration(path))] : settings.FilesystemConfigurations,
    };

    private AgentRuntimeArtifact? Artifact(ParseResult parsed)
    {
        var (image, code) = (parsed.GetValue(_image), parsed.GetValue(_code));
        if (image is not null && code is not null) throw new CommandFailedException("Give --image or --code, not both.");
        if (image is not null) return new AgentRuntimeArtifact { ContainerConfiguration = new ContainerConfiguration(image) };
        if (code is null) return null;
        if (parsed.GetValue(_codeRuntime) is not { } runtime || parsed.GetValue(_entryPoint) is not { Length: > 0 } words)
            throw new CommandFailedException("Code needs --code-runtime and --entry-point as well.");

        // For a server a bucket is a directory, and a prefix a file in it.
        var zip = Path.GetFullPath(code);
        var location = new S3Location(Path.GetDirectoryName(zip) ?? "/", Path.GetFileName(zip));
        return new AgentRuntimeArtifact { CodeConfiguration = new CodeConfiguration(new CodeLocation(location), runtime, words) };
    }

    private LifecycleConfiguration? Lifecycle(ParseResult parsed, LifecycleConfiguration? known)
    {
        var (idle, lifetime) = (parsed.GetValue(_idle), parsed.GetValue(_lifetime));
        return idle is null && lifetime is null ? known : new LifecycleConfiguration(idle ?? known?.IdleRuntimeSessionTimeout, lifetime ?? known?.MaxLifetime);
    }

    private Dictionary<string, string> Variables(ParseResult parsed, IReadOnlyDictionary<string, string>? known)
    {
        var variables = new Dictionary<string, string>(known ?? new Dictionary<string, string>());
        foreach (var pair in parsed.GetValue(_variables) ?? [])
            variables[pair[..pair.IndexOf('=')]] = pair[(pair.IndexOf('=') + 1)..];
        foreach (var name in parsed.CommandResult.GetResult(_noVariables) is null ? [] : parsed.GetValue(_noVariables) ?? [])
            variables.Remove(name);
        return variables;
    }

    private static JsonElement ReadJson(FileInfo file)
    {
        try
        {
            return JsonElement.Parse(File.ReadAllBytes(file.FullName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CommandFailedException($"{file.FullName} cannot be read as JSON: {e.Message}");
        }
    }
}
