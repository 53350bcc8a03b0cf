using System.Text.Json;
using System.Text.Json.Serialization;

namespace Porthole.Client;

/// <summary>
/// What a version of a runtime is, under the service's own names. An update replaces all of it: take a description, change it with <c>with</c>,
/// and send it back.
/// </summary>
public record AgentRuntimeSettings
{
    /// <summary>Where the agent comes from.</summary>
    public AgentRuntimeArtifact? AgentRuntimeArtifact { get; init; }

    /// <summary>The role that AWS assumes; Porthole only keeps it.</summary>
    public string? RoleArn { get; init; }

    /// <summary>What its sessions reach.</summary>
    public NetworkConfiguration? NetworkConfiguration { get; init; }

    /// <summary>For people, 1 to 4096 characters.</summary>
    public string? Description { get; init; }

    /// <summary>Whose bearer tokens are taken, as the service has it; null for signatures.</summary>
    public JsonElement? AuthorizerConfiguration { get; init; }

    /// <summary>Which request headers reach the agent.</summary>
    public RequestHeaderConfiguration? RequestHeaderConfiguration { get; init; }

    /// <summary>What the agent speaks; null for HTTP.</summary>
    public ProtocolConfiguration? ProtocolConfiguration { get; init; }

    /// <summary>How long its sessions live; null for the service's own times.</summary>
    public LifecycleConfiguration? LifecycleConfiguration { get; init; }

    /// <summary>Variables of the agent, of shells and of commands.</summary>
    public IReadOnlyDictionary<string, string>? EnvironmentVariables { get; init; }

    /// <summary>What is mounted into its sessions.</summary>
    public IReadOnlyList<FilesystemConfiguration>? FilesystemConfigurations { get; init; }
}

/// <summary>Where an agent comes from; one of the two.</summary>
public sealed record AgentRuntimeArtifact
{
    /// <summary>An image.</summary>
    public ContainerConfiguration? ContainerConfiguration { get; init; }

    /// <summary>Code in a zip.</summary>
    public CodeConfiguration? CodeConfiguration { get; init; }
}

/// <summary>An image.</summary>
/// <param name="ContainerUri">Its reference; on Porthole also a file, or <c>host</c> for the host's own tools.</param>
public sealed record ContainerConfiguration(string ContainerUri);

/// <summary>Code in a zip.</summary>
/// <param name="Code">Where it is.</param>
/// <param name="Runtime">For instance <c>PYTHON_3_12</c>.</param>
/// <param name="EntryPoint">One or two words.</param>
public sealed record CodeConfiguration(CodeLocation Code, string Runtime, IReadOnlyList<string> EntryPoint);

/// <summary>Where a zip of code is.</summary>
/// <param name="S3">The bucket and key.</param>
public sealed record CodeLocation(S3Location S3);

/// <summary>An object of a bucket.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Prefix">The key.</param>
/// <param name="VersionId">Its version, if any.</param>
public sealed record S3Location(string Bucket, string Prefix, string? VersionId = null);

/// <summary>What sessions reach.</summary>
/// <param name="NetworkMode"><c>PUBLIC</c> or <c>VPC</c>.</param>
/// <param name="NetworkModeConfig">Subnets and security groups of a VPC, as the service has them.</param>
public sealed record NetworkConfiguration(string NetworkMode, JsonElement? NetworkModeConfig = null);

/// <summary>Which request headers reach the agent.</summary>
/// <param name="RequestHeaderAllowlist">1 to 20 names.</param>
public sealed record RequestHeaderConfiguration(IReadOnlyList<string> RequestHeaderAllowlist);

/// <summary>What an agent speaks.</summary>
/// <param name="ServerProtocol"><c>HTTP</c>, <c>MCP</c>, <c>A2A</c> or <c>AGUI</c>.</param>
public sealed record ProtocolConfiguration(string ServerProtocol);

/// <summary>How long sessions live.</summary>
/// <param name="IdleRuntimeSessionTimeout">Seconds without activity, 60 to 28,800.</param>
/// <param name="MaxLifetime">Seconds in all, 60 to 28,800.</param>
public sealed record LifecycleConfiguration(int? IdleRuntimeSessionTimeout, int? MaxLifetime);

/// <summary>Something that is mounted into sessions.</summary>
/// <param name="SessionStorage">Storage of the session's own, which outlives its stop.</param>
public sealed record FilesystemConfiguration(SessionStorageConfiguration? SessionStorage);

/// <summary>Storage of a session's own.</summary>
/// <param name="MountPath">Where it is seen, below <c>/mnt/</c>.</param>
public sealed record SessionStorageConfiguration(string MountPath);

/// <summary>A runtime, in one of its versions.</summary>
public sealed record AgentRuntimeDescription : AgentRuntimeSettings
{
    /// <summary>Its ARN.</summary>
    public string AgentRuntimeArn { get; init; } = "";

    /// <summary>Its name.</summary>
    public string AgentRuntimeName { get; init; } = "";

    /// <summary>Its id: the name and ten random characters.</summary>
    public string AgentRuntimeId { get; init; } = "";

    /// <summary>The version that this describes, from "1" on.</summary>
    public string AgentRuntimeVersion { get; init; } = "";

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public DateTimeOffset LastUpdatedAt { get; init; }

    /// <summary>CREATING, CREATE_FAILED, UPDATING, UPDATE_FAILED, READY or DELETING.</summary>
    public string Status { get; init; } = "";

    /// <summary>Why the status is a failure.</summary>
    public string? FailureReason { get; init; }

    /// <summary>Whether something is under way.</summary>
    [JsonIgnore]
    public bool IsOnTheWay => Status is "CREATING" or "UPDATING" or "DELETING";
}

/// <summary>A runtime or a version in a list.</summary>
/// <param name="AgentRuntimeArn">Its ARN.</param>
/// <param name="AgentRuntimeId">Its id.</param>
/// <param name="AgentRuntimeVersion">The version.</param>
/// <param name="AgentRuntimeName">Its name.</param>
/// <param name="Description">For people; may be empty.</param>
/// <param name="LastUpdatedAt">When it was last changed.</param>
/// <param name="Status">As of <see cref="AgentRuntimeDescription.Status"/>.</param>
public sealed record AgentRuntimeSummary(
    string AgentRuntimeArn, string AgentRuntimeId, string AgentRuntimeVersion, string AgentRuntimeName, string Description, DateTimeOffset LastUpdatedAt, string Status);

/// <summary>An endpoint: a name under which clients reach a version of a runtime.</summary>
/// <param name="Name">Its name, a request's <c>qualifier</c>.</param>
/// <param name="AgentRuntimeEndpointArn">Its ARN.</param>
/// <param name="AgentRuntimeArn">The runtime's.</param>
/// <param name="Status">As of <see cref="AgentRuntimeDescription.Status"/>.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="LastUpdatedAt">When it was last changed.</param>
/// <param name="LiveVersion">The version that new sessions get; null while there is none yet.</param>
/// <param name="TargetVersion">The version that it moves to, or has.</param>
/// <param name="Description">For people.</param>
/// <param name="FailureReason">Why the status is a failure.</param>
public sealed record AgentRuntimeEndpoint(
    string Name,
    string AgentRuntimeEndpointArn,
    string AgentRuntimeArn,
    string Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUpdatedAt,
    string? LiveVersion,
    string? TargetVersion,
    string? Description,
    string? FailureReason)
{
    /// <summary>Whether something is under way.</summary>
    [JsonIgnore]
    public bool IsOnTheWay => Status is "CREATING" or "UPDATING" or "DELETING";
}
