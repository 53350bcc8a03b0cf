namespace Porthole.Server.Store;

/// <summary>A policy that a runtime or an endpoint carries itself: who may do what with it.</summary>
public sealed class ResourcePolicy
{
    /// <summary>What carries it.</summary>
    public required string ResourceArn { get; init; }

    /// <summary>The policy as JSON, up to 20 KB.</summary>
    public required string Policy { get; set; }
}
