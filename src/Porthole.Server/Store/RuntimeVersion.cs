using Porthole.Server.Runtimes;

namespace Porthole.Server.Store;

/// <summary>One version of a runtime. It never changes but for what became of making it.</summary>
public sealed class RuntimeVersion
{
    /// <summary>The runtime's id.</summary>
    public required string RuntimeId { get; init; }

    /// <summary>Its number, from 1 on.</summary>
    public required int Version { get; init; }

    /// <summary>What it is.</summary>
    public required RuntimeConfiguration Configuration { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Whether it can be used.</summary>
    public ResourceStatus Status { get; set; } = ResourceStatus.Ready;

    /// <summary>Why not, for a person; null when it can.</summary>
    public string? FailureReason { get; set; }

    /// <summary>The digest of its image, once that is there; null for the host's tools.</summary>
    public string? ImageDigest { get; set; }
}
