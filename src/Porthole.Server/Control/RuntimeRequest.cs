using System.Text.RegularExpressions;
using Porthole.Sandboxes.Images;
using Porthole.Server.Images;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Control;

/// <summary>The body of CreateAgentRuntime or UpdateAgentRuntime, within its limits (contract section 12.1).</summary>
/// <param name="Name">The runtime's name; null in an update.</param>
/// <param name="Configuration">What the new version is.</param>
/// <param name="Tags">The runtime's tags; empty in an update.</param>
internal sealed partial record RuntimeRequest(string? Name, RuntimeConfiguration Configuration, IReadOnlyDictionary<string, string> Tags)
{
    // The service model's numbers, where it has any; the role and the image may be any text, since nothing here is AWS's.
    private const int MinLifecycleSeconds = 60, MaxLifecycleSeconds = 28_800, MaxVariables = 50, MaxFilesystems = 5;

    private static readonly TextRule Role = new(1, 2048);
    private static readonly TextRule Description = new(1, 4096);
    private static readonly TextRule ContainerUri = new(1, 1024);

    // Longer than a bucket's name, which has 63 characters at most: here it is the path of a directory.
    private static readonly TextRule Bucket = new(1, 1024);
    private static readonly TextRule Prefix = new(1, 1024);
    private static readonly TextRule VersionId = new(3, 1024);
    private static readonly TextRule EntryPointWord = new(1, 128);
    private static readonly TextRule NetworkId = new(1, 32);
    private static readonly TextRule HeaderName = new(1, 256, HeaderNamePattern(), "a letter, then letters, digits, '_' or '-'");
    private static readonly TextRule VariableName = new(1, 100, VariableNamePattern(), "without '=' and NUL");
    private static readonly TextRule VariableValue = new(0, 5000, VariableValuePattern(), "without NUL");
    private static readonly TextRule MountPath = new(6, 200, MountPathPattern(), "/mnt/ and one name of letters, digits, '.', '_' and '-'");

    /// <summary>Reads CreateAgentRuntime's.</summary>
    public static RuntimeRequest ReadCreate(RequestFields fields, LocalSources sources) =>
        new(fields.RequiredText("agentRuntimeName", CommonRules.Name), Read(fields, sources, null), CommonRules.ReadTags(fields) ?? []);

    /// <summary>Reads UpdateAgentRuntime's, which repeats all that shall stay.</summary>
    public static RuntimeRequest ReadUpdate(RequestFields fields, LocalSources sources) =>
        new(null, Read(fields, sources, ReadMetadata(fields)), new Dictionary<string, string>());

    private static RuntimeConfiguration Read(RequestFields fields, LocalSources sources, MetadataConfiguration? metadata) => new()
    {
        AgentRuntimeArtifact = ReadArtifact(fields.RequiredObject("agentRuntimeArtifact"), sources),
        RoleArn = fields.RequiredText("roleArn", Role),
        NetworkConfiguration = ReadNetwork(fields.Object("networkConfiguration")),
        Description = fields.Text("description", Description),
        AuthorizerConfiguration = AuthorizerRequest.Read(fields.Object("authorizerConfiguration")),
        RequestHeaderConfiguration = fields.Object("requestHeaderConfiguration")?.Texts("requestHeaderAllowlist", 1, 20, HeaderName) is { } names
            ? new RequestHeaderConfiguration(names)
            : null,
        ProtocolConfiguration = ReadProtocol(fields.Object("protocolConfiguration")),
        LifecycleConfiguration = ReadLifecycle(fields.Object("lifecycleConfiguration")),
        EnvironmentVariables = fields.Map("environmentVariables", MaxVariables, VariableName, VariableValue) ?? [],
        FilesystemConfigurations = ReadFilesystems(fields),
        MetadataConfiguration = metadata,
    };

    private static RuntimeArtifact ReadArtifact(RequestFields? artifact, LocalSources sources)
    {
        if (artifact is null)
            return new RuntimeArtifact();
        var container = artifact.Object("containerConfiguration");
        var code = artifact.Object("codeConfiguration");
        if (container is null == code is null)
            artifact.Fail("containerConfiguration", "or codeConfiguration has to be there, and only one of them");
        return new RuntimeArtifact
        {
            ContainerConfiguration = container is null ? null : ReadContainer(container, sources),
            CodeConfiguration = code is null ? null : ReadCode(code, sources),
        };
    }

    private static ContainerConfiguration ReadContainer(RequestFields container, LocalSources sources)
    {
        var uri = container.RequiredText("containerUri", ContainerUri);
        if (uri.Length > 0)
            Try(container, "containerUri", () => sources.ParseImage(uri));
        return new ContainerConfiguration(uri);
    }

    private static CodeConfiguration ReadCode(RequestFields code, LocalSources sources)
    {
        var s3 = code.RequiredObject("code")?.RequiredObject("s3");
        var location = s3 is null ? null : new S3Location(s3.RequiredText("bucket", Bucket), s3.RequiredText("prefix", Prefix), s3.Text("versionId", VersionId));
        var runtime = code.Word("runtime", "PYTHON_3_10", "PYTHON_3_11", "PYTHON_3_12", "PYTHON_3_13", "PYTHON_3_14", "NODE_22");
        if (!code.Has("runtime"))
            code.Fail("runtime", "is required");
        var entryPoint = code.Texts("entryPoint", 1, 2, EntryPointWord);
        if (!code.Has("entryPoint"))
            code.Fail("entryPoint", "is required");
        var read = new CodeConfiguration(new CodeLocation { S3 = location }, runtime ?? "", entryPoint ?? []);
        if (location is { Bucket.Length: > 0, Prefix.Length: > 0 } && runtime is not null && entryPoint is { Count: > 0 })
            Try(code, "code", () => sources.ParseCode(read));
        return read;
    }

    private static void Try(RequestFields fields, string name, Action parse)
    {
        try
        {
            parse();
        }
        catch (ImageException e)
        {
            fields.Fail(name, $"cannot be used: {e.Message}");
        }
    }

    private static NetworkConfiguration ReadNetwork(RequestFields? network)
    {
        if (network is null)
            return new NetworkConfiguration(NetworkConfiguration.Public, null);
        var config = network.Object("networkModeConfig");
        return new NetworkConfiguration(
            network.Word("networkMode", NetworkConfiguration.Public, NetworkConfiguration.Vpc) ?? NetworkConfiguration.Public,
            config is null ? null : new NetworkModeConfiguration(
                config.Texts("securityGroups", 1, 16, NetworkId), config.Texts("subnets", 1, 16, NetworkId), config.Flag("requireServiceS3Endpoint")));
    }

    private static ProtocolConfiguration? ReadProtocol(RequestFields? protocol)
    {
        if (protocol is null)
            return null;
        if (!protocol.Has("serverProtocol"))
            protocol.Fail("serverProtocol", "is required");
        return new ProtocolConfiguration(protocol.Word("serverProtocol", "HTTP", "MCP", "A2A", "AGUI") ?? "");
    }

    // Contract section 10: a maximum alone, below the usual idle time, is the idle time as well.
    private static LifecycleConfiguration ReadLifecycle(RequestFields? lifecycle)
    {
        var defaults = LifecycleConfiguration.Default;
        if (lifecycle is null)
            return defaults;
        var max = lifecycle.Number("maxLifetime", MinLifecycleSeconds, MaxLifecycleSeconds) ?? defaults.MaxLifetime;
        var idle = lifecycle.Number("idleRuntimeSessionTimeout", MinLifecycleSeconds, MaxLifecycleSeconds) ?? Math.Min(max, defaults.IdleRuntimeSessionTimeout);
        if (idle > max)
            lifecycle.Fail("idleRuntimeSessionTimeout", $"is {idle} and must not be above maxLifetime, which is {max}");
        return new LifecycleConfiguration(idle, max);
    }

    private static List<FilesystemConfiguration> ReadFilesystems(RequestFields fields)
    {
        var mounts = new List<FilesystemConfiguration>();
        foreach (var filesystem in fields.Objects("filesystemConfigurations", 0, MaxFilesystems) ?? [])
        {
            // What a session would not get must not be taken for granted.
            if (filesystem.Object("sessionStorage") is not { } storage)
                filesystem.Fail("sessionStorage", "is required: other file systems are AWS's own and cannot be mounted here");
            else if (mounts.Count > 0)
                filesystem.Fail("sessionStorage", "is there a second time; a session has one storage");
            else
                mounts.Add(new FilesystemConfiguration { SessionStorage = new SessionStorageConfiguration(storage.RequiredText("mountPath", MountPath)) });
        }

        return mounts;
    }

    private static MetadataConfiguration? ReadMetadata(RequestFields fields) =>
        fields.Object("metadataConfiguration") is { } metadata ? new MetadataConfiguration { RequireMmdsV2 = metadata.Flag("requireMMDSV2") } : null;

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_-]*\z")]
    private static partial Regex HeaderNamePattern();

    [GeneratedRegex(@"\A[^=\0]*\z")]
    private static partial Regex VariableNamePattern();

    [GeneratedRegex(@"\A[^\0]*\z")]
    private static partial Regex VariableValuePattern();

    [GeneratedRegex(@"\A/mnt/(?!\.{1,2}/?\z)[a-zA-Z0-9._-]+/?\z")]
    private static partial Regex MountPathPattern();
}
