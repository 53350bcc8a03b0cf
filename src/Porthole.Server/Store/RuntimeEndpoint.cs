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

    /// <summary>An endpoint that has yet to become ready.</summary>
    internal static RuntimeEndpoint New(string runtimeId, string name, int version, string? description, DateTimeOffset now) => new()
    {
        RuntimeId = runtimeId,
        Name = name,
        TargetVersion = version,
        Description = description,
        Status = ResourceStatus.Creating,
        CreatedAt = now,
        LastUpdatedAt = now,
    };

    /// <summary>Begins a move to another version; the live one goes on until it is done.</summary>
    internal void MoveTo(int version, DateTimeOffset now) =>
        (TargetVersion, Status, FailureReason, LastUpdatedAt) = (version, LiveVersion is null ? ResourceStatus.Creating : ResourceStatus.Updating, null, now);

    /// <summary>Ends a move: the target version is ready or has failed. After a failure the live one, if any, goes on.</summary>
    internal void Arrive(RuntimeVersion target, DateTimeOffset now)
    {
        var isReady = target.Status == ResourceStatus.Ready;
        if (isReady)
            LiveVersion = target.Version;
        var failed = LiveVersion is null ? ResourceStatus.CreateFailed : ResourceStatus.UpdateFailed;
        (Status, FailureReason, LastUpdatedAt) = (isReady ? ResourceStatus.Ready : failed, target.FailureReason, now);
    }
}
