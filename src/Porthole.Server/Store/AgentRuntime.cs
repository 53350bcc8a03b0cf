using Porthole.Protocol.Aws;

namespace Porthole.Server.Store;

/// <summary>A runtime: a deployed agent that sessions are made of.</summary>
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

    /// <summary>Seconds without activity after which a session ends: 60 to 28,800; the service's default is 900.</summary>
    public int IdleTimeoutSeconds { get; init; } = 900;

    /// <summary>Seconds after which a session ends in any case: 60 to 28,800; the service's default is 28,800.</summary>
    public int MaxLifetimeSeconds { get; init; } = 28_800;

    /// <summary>The name by which clients call it.</summary>
    public RuntimeArn Arn => new("aws", Region, AccountId, RuntimeKind.Runtime, Id);

    internal static AgentRuntime New(string name, string accountId, string region, DateTimeOffset now) => new()
    {
        Id = RuntimeArn.NewRuntimeId(name),
        Name = name,
        AccountId = accountId,
        Region = region,
        CreatedAt = now,
    };
}
