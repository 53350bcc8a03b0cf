using Porthole.Protocol.Aws;

namespace Porthole.Server.Store;

/// <summary>A runtime: a deployed agent that sessions are made of. What it is, its versions say.</summary>
public sealed class AgentRuntime
{
    /// <summary>The name of the runtime that a first start makes.</summary>
    public const string DefaultName = "sandbox";

    /// <summary>The endpoint that every runtime has.</summary>
    public const string DefaultEndpoint = "DEFAULT";

    /// <summary>The id: the name, a dash and ten random letters or digits.</summary>
    public required string Id { get; init; }

    /// <summary>The name, unique within its account and region.</summary>
    public required string Name { get; init; }

    /// <summary>The account that it belongs to, twelve digits.</summary>
    public required string AccountId { get; init; }

    /// <summary>The region that it was made in.</summary>
    public required string Region { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset LastUpdatedAt { get; set; }

    /// <summary>Where it is in its life.</summary>
    public ResourceStatus Status { get; set; } = ResourceStatus.Ready;

    /// <summary>Why <see cref="Status"/> is a failure, for a person; null otherwise.</summary>
    public string? FailureReason { get; set; }

    /// <summary>The newest version, from 1 on.</summary>
    public int LatestVersion { get; set; } = 1;

    /// <summary>The name by which clients call it.</summary>
    public RuntimeArn Arn => new("aws", Region, AccountId, RuntimeKind.Runtime, Id);

    internal static AgentRuntime New(string name, string accountId, string region, DateTimeOffset now) => new()
    {
        Id = RuntimeArn.NewRuntimeId(name),
        Name = name,
        AccountId = accountId,
        Region = region,
        CreatedAt = now,
        LastUpdatedAt = now,
    };
}

/// <summary>Where a runtime or an endpoint is in its life (contract section 12.3).</summary>
public enum ResourceStatus
{
    /// <summary>It is being made.</summary>
    Creating,

    /// <summary>It could not be made.</summary>
    CreateFailed,

    /// <summary>It is being changed.</summary>
    Updating,

    /// <summary>It could not be changed; what it was before goes on.</summary>
    UpdateFailed,

    /// <summary>It can be used.</summary>
    Ready,

    /// <summary>It is being removed.</summary>
    Deleting,
}
