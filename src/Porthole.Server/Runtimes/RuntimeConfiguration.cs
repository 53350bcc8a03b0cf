using System.Text.Json;
using System.Text.Json.Serialization;

namespace Porthole.Server.Runtimes;

/// <summary>
/// What one version of a runtime is: the fields of CreateAgentRuntime and UpdateAgentRuntime (contract section 12.1) under the wire's own
/// names. A version never changes; an update makes another one.
/// </summary>
public sealed record RuntimeConfiguration
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Where the agent comes from.</summary>
    public required RuntimeArtifact AgentRuntimeArtifact { get; init; }

    /// <summary>The role that AWS would assume. Kept and shown; nothing here assumes roles.</summary>
    public required string RoleArn { get; init; }

    /// <summary>What its sessions reach.</summary>
    public NetworkConfiguration NetworkConfiguration { get; init; } = new(Runtimes.NetworkConfiguration.Public, null);

    /// <summary>For people, up to 4096 characters.</summary>
    public string? Description { get; init; }

    /// <summary>Whose bearer tokens are taken; null for signatures.</summary>
    public AuthorizerConfiguration? AuthorizerConfiguration { get; init; }

    /// <summary>Which request headers reach the agent.</summary>
    public RequestHeaderConfiguration? RequestHeaderConfiguration { get; init; }

    /// <summary>What the agent speaks; null for HTTP.</summary>
    public ProtocolConfiguration? ProtocolConfiguration { get; init; }

    /// <summary>How long its sessions live.</summary>
    public LifecycleConfiguration LifecycleConfiguration { get; init; } = LifecycleConfiguration.Default;

    /// <summary>Variables of the agent, of shells and of commands.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentVariables { get; init; } = new Dictionary<string, string>();

    /// <summary>What is mounted into its sessions.</summary>
    public IReadOnlyList<FilesystemConfiguration> FilesystemConfigurations { get; init; } = [];

    /// <summary>Kept and shown; there is no metadata service here.</summary>
    public MetadataConfiguration? MetadataConfiguration { get; init; }

    /// <summary>What the runtime <c>sandbox</c> of a first start is: the host's own tools, no agent.</summary>
    public static RuntimeConfiguration HostTools { get; } = new()
    {
        AgentRuntimeArtifact = new RuntimeArtifact { ContainerConfiguration = new ContainerConfiguration(RuntimeArtifact.Host) },
        RoleArn = "arn:aws:iam::000000000000:role/porthole",
        Description = "A sandbox on the tools of this host",
    };

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">The text is something else.</exception>
    public static RuntimeConfiguration FromJson(string json) =>
        JsonSerializer.Deserialize<RuntimeConfiguration>(json, Json) ?? throw new JsonException("no configuration");

    /// <summary>The configuration as it is kept.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);
}

/// <summary>Where an agent comes from: an image, or a zip of code. One of the two is there.</summary>
public sealed record RuntimeArtifact
{
    /// <summary>The image reference that stands for the host's own tools.</summary>
    public const string Host = "host";

    /// <summary>An image.</summary>
    public ContainerConfiguration? ContainerConfiguration { get; init; }

    /// <summary>Code that runs on the host's tools.</summary>
    public CodeConfiguration? CodeConfiguration { get; init; }
}

/// <summary>An image.</summary>
/// <param name="ContainerUri">Any OCI reference, an <c>oci:</c> or <c>docker-archive:</c> path, or <c>host</c>.</param>
public sealed record ContainerConfiguration(string ContainerUri);

/// <summary>Code in a zip file, with its entry point.</summary>
/// <param name="Code">Where the zip is.</param>
/// <param name="Runtime">The language, for instance <c>PYTHON_3_12</c> or <c>NODE_22</c>.</param>
/// <param name="EntryPoint">One or two words: the file, and how to start it.</param>
public sealed record CodeConfiguration(CodeLocation Code, string Runtime, IReadOnlyList<string> EntryPoint);

/// <summary>Where a zip of code is.</summary>
public sealed record CodeLocation
{
    /// <summary>A bucket and key. Here the bucket is a directory that the operator allows, and the prefix a file in it.</summary>
    public S3Location? S3 { get; init; }
}

/// <summary>An object of a bucket.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Prefix">The key.</param>
/// <param name="VersionId">Its version, if any.</param>
public sealed record S3Location(string Bucket, string Prefix, string? VersionId);

/// <summary>What sessions reach.</summary>
/// <param name="NetworkMode"><see cref="Public"/> or <see cref="Vpc"/>.</param>
/// <param name="NetworkModeConfig">AWS's subnets and security groups. Kept and shown.</param>
public sealed record NetworkConfiguration(string NetworkMode, NetworkModeConfiguration? NetworkModeConfig)
{
    /// <summary>The world outside the host.</summary>
    public const string Public = "PUBLIC";

    /// <summary>A private network. There is none here, so such sessions reach nothing.</summary>
    public const string Vpc = "VPC";
}

/// <summary>AWS's names for parts of a private network.</summary>
/// <param name="SecurityGroups">1 to 16 of them.</param>
/// <param name="Subnets">1 to 16 of them.</param>
/// <param name="RequireServiceS3Endpoint">Whether S3 is reached from inside the network.</param>
public sealed record NetworkModeConfiguration(IReadOnlyList<string>? SecurityGroups, IReadOnlyList<string>? Subnets, bool? RequireServiceS3Endpoint);

/// <summary>Whose bearer tokens are taken.</summary>
/// <param name="CustomJWTAuthorizer">An OpenID Connect issuer and what its tokens must say.</param>
public sealed record AuthorizerConfiguration([property: JsonPropertyName("customJWTAuthorizer")] CustomJwtAuthorizer? CustomJWTAuthorizer);

/// <summary>An OpenID Connect issuer and what its tokens must say (contract section 3.5).</summary>
public sealed record CustomJwtAuthorizer
{
    /// <summary>Ends in <c>/.well-known/openid-configuration</c>.</summary>
    public required string DiscoveryUrl { get; init; }

    /// <summary>One of these has to be in <c>aud</c>; empty for any.</summary>
    public IReadOnlyList<string>? AllowedAudience { get; init; }

    /// <summary>One of these has to be <c>client_id</c>; empty for any.</summary>
    public IReadOnlyList<string>? AllowedClients { get; init; }

    /// <summary>One of these has to be in <c>scope</c>; empty for any.</summary>
    public IReadOnlyList<string>? AllowedScopes { get; init; }

    /// <summary>All of these have to hold.</summary>
    public IReadOnlyList<CustomClaim>? CustomClaims { get; init; }
}

/// <summary>A claim that has to have a value.</summary>
/// <param name="InboundTokenClaimName">The claim.</param>
/// <param name="InboundTokenClaimValueType"><c>STRING</c> or <c>STRING_ARRAY</c>.</param>
/// <param name="AuthorizingClaimMatchValue">The value, and how it is compared.</param>
public sealed record CustomClaim(string InboundTokenClaimName, string InboundTokenClaimValueType, ClaimMatch AuthorizingClaimMatchValue);

/// <summary>A value that a claim is compared with.</summary>
/// <param name="ClaimMatchValue">The value or values.</param>
/// <param name="ClaimMatchOperator"><c>EQUALS</c>, <c>CONTAINS</c> or <c>CONTAINS_ANY</c>.</param>
public sealed record ClaimMatch(ClaimMatchValue ClaimMatchValue, string ClaimMatchOperator);

/// <summary>One value or several; one of the two is there.</summary>
public sealed record ClaimMatchValue
{
    /// <summary>One value.</summary>
    public string? MatchValueString { get; init; }

    /// <summary>Several values.</summary>
    public IReadOnlyList<string>? MatchValueStringList { get; init; }
}

/// <summary>Which request headers reach the agent.</summary>
/// <param name="RequestHeaderAllowlist">1 to 20 names.</param>
public sealed record RequestHeaderConfiguration(IReadOnlyList<string> RequestHeaderAllowlist);

/// <summary>What an agent speaks.</summary>
/// <param name="ServerProtocol"><c>HTTP</c>, <c>MCP</c>, <c>A2A</c> or <c>AGUI</c>.</param>
public sealed record ProtocolConfiguration(string ServerProtocol);

/// <summary>How long sessions live (contract section 10).</summary>
/// <param name="IdleRuntimeSessionTimeout">Seconds without activity, 60 to 28,800.</param>
/// <param name="MaxLifetime">Seconds in all, 60 to 28,800, not below the other.</param>
public sealed record LifecycleConfiguration(int IdleRuntimeSessionTimeout, int MaxLifetime)
{
    /// <summary>The service's own: a quarter of an hour, and eight hours.</summary>
    public static LifecycleConfiguration Default { get; } = new(900, 28_800);
}

/// <summary>Something that is mounted into sessions.</summary>
public sealed record FilesystemConfiguration
{
    /// <summary>Storage of the session's own, which outlives its stop.</summary>
    public SessionStorageConfiguration? SessionStorage { get; init; }
}

/// <summary>Storage of a session's own.</summary>
/// <param name="MountPath">Where it is seen, below <c>/mnt/</c>.</param>
public sealed record SessionStorageConfiguration(string MountPath);

/// <summary>Settings of AWS's metadata service.</summary>
public sealed record MetadataConfiguration
{
    /// <summary>Whether the older protocol is refused.</summary>
    [JsonPropertyName("requireMMDSV2")]
    public bool? RequireMmdsV2 { get; init; }
}
