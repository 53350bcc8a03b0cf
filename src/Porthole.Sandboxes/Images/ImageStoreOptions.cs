namespace Porthole.Sandboxes.Images;

/// <summary>Settings of an <see cref="ImageStore"/>.</summary>
public sealed record ImageStoreOptions
{
    /// <summary>Where images are kept; belongs to one store alone.</summary>
    public required string Directory { get; init; }

    /// <summary>
    /// Credentials for registries, in the format of docker's config.json (containers-auth.json(5)). Where it does not exist, the places
    /// that skopeo(1) knows by itself are looked in.
    /// </summary>
    public string? CredentialsPath { get; init; }

    /// <summary>Registries (HOST or HOST:PORT) that are spoken to without TLS or with a certificate that nobody vouches for. Those on loopback always are.</summary>
    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    /// <summary>What has to stay free on the disk; a preparation that would go below it is given up.</summary>
    public long MinimumFreeBytes { get; init; } = 256L << 20;

    /// <summary>How long a registry may send nothing.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Images that were asked for within this time are not pruned: whoever asked may not have written down yet that they are needed.</summary>
    public TimeSpan PruneGrace { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Time, for <see cref="PruneGrace"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Called with what an operator should know. Any thread.</summary>
    public Action<string> Warn { get; init; } = _ => { };
}
