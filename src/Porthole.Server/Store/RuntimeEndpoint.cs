namespace Porthole.Server.Store;

/// <summary>A name under which clients reach one version of a runtime.</summary>
public sealed class RuntimeEndpoint
{
    /// <summary>The runtime's id.</summary>
    public required string RuntimeId { get; init; }

    /// <summary>Its name; <see cref="AgentRuntime.DefaultEndpoint"/> follows the newest version.</summary>
    public required string Name { get; init; }

    /// <summary>The version that new sessions get; null while the first one is being made.</summary>
    public int? LiveVersion { get; set; }

    /// <summary>The version that it shall serve; equals the live one when nothing is under way.</summary>
    public required int TargetVersion { get; set; }

    /// <summary>For people, up to 256 characters.</summary>
    public string? Description { get; set; }

    /// <summary>Where it is in its life.</summary>
    public ResourceStatus Status { get; set; } = ResourceStatus.Ready;

    /// <summary>Why <see cref="Status"/> is a failure, for a person; null otherwise.</summary>
    public string? FailureReason { get; set; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset LastUpdatedAt { get; set; }
}
