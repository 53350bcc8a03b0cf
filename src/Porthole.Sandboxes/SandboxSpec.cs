using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes;

/// <summary>What a new sandbox shall be.</summary>
public sealed record SandboxSpec
{
    /// <summary>
    /// The session's directory, made when missing. All of it belongs to the sandbox from now on: it is deleted when the sandbox has ended.
    /// Files that the server adds to it (cursors) live and die with the sandbox.
    /// </summary>
    public required string Directory { get; init; }

    /// <summary>The name that the sandbox calls itself: 1 to 64 letters, digits, hyphens, underscores and dots, a letter or digit first.</summary>
    public required string HostName { get; init; }

    /// <summary>What it may use.</summary>
    public required SandboxLimits Limits { get; init; }

    /// <summary>What stands between it and the host; null for the driver's own choice.</summary>
    public Isolation? Isolation { get; init; }

    /// <summary>Whether it reaches the world outside the host.</summary>
    public bool Egress { get; init; } = true;

    /// <summary>What it is made of; nobody may remove the image while the sandbox runs.</summary>
    public PreparedImage Image { get; init; } = PreparedImage.Host;

    /// <summary>Storage that outlives the sandbox, where it appears inside.</summary>
    public IReadOnlyList<SandboxMount> Mounts { get; init; } = [];
}
