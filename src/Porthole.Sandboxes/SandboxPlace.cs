namespace Porthole.Sandboxes;

/// <summary>What all namespace sandboxes of a host have in common.</summary>
internal sealed record SandboxPlace
{
    /// <summary>The program porthole-launch.</summary>
    public required string Launcher { get; init; }

    /// <summary>The program porthole-guest.</summary>
    public required string Guest { get; init; }

    /// <summary>unshare(1).</summary>
    public required string Unshare { get; init; }

    /// <summary>First files of sandboxes on the host's tools.</summary>
    public required SessionFiles Files { get; init; }

    /// <summary>Control groups.</summary>
    public required Cgroups Cgroups { get; init; }

    /// <summary>An empty directory where the launcher mounts, out of anybody's sight.</summary>
    public required string MountPoint { get; init; }

    /// <summary>The name server that those inside use; null without a network.</summary>
    public required string? NameServer { get; init; }

    /// <summary>Whether sandboxes have disks of limited size.</summary>
    public required bool HasDisks { get; init; }

    /// <summary>How sandboxes have the files of an image.</summary>
    public required ImageSharing ImageSharing { get; init; }

    /// <summary>Whether the kernel shows files under other owners than the disk has.</summary>
    public bool CanMapIds => ImageSharing == ImageSharing.Shared;
}

/// <summary>How sandboxes have the files of an image.</summary>
internal enum ImageSharing
{
    /// <summary>One copy of them below a writable layer of each sandbox.</summary>
    Shared,

    /// <summary>A copy for each, because this host's kernel or disk cannot do better.</summary>
    Copied,
}
