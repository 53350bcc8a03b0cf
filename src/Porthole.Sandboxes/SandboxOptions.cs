namespace Porthole.Sandboxes;

/// <summary>Settings of a <see cref="SandboxDriver"/>.</summary>
public sealed record SandboxOptions
{
    /// <summary>Directory for what sessions are made from; belongs to this driver alone and may be deleted between its runs.</summary>
    public required string CacheDirectory { get; init; }

    /// <summary>The program porthole-launch.</summary>
    public string LaunchPath { get; init; } = Path.Combine(AppContext.BaseDirectory, "porthole-launch");

    /// <summary>The program porthole-guest, which runs inside; any host may run it, so it must be static.</summary>
    public string GuestPath { get; init; } = Path.Combine(AppContext.BaseDirectory, "porthole-guest");

    /// <summary>How sandboxes are isolated that do not say it themselves.</summary>
    public IsolationChoice Isolation { get; init; }

    /// <summary>Directory for what microVMs are made from, kept from run to run; several servers may share it.</summary>
    public string MachineDirectory { get; init; } = "";

    /// <summary>How many microVMs of a kind wait for the next session, about 85 MB each; 0 for none.</summary>
    public int WarmMicroVms { get; init; } = 1;

    /// <summary>First of the user ids for sandboxes, when the server is root. The default lies above the ranges that systemd and shadow give out.</summary>
    public uint FirstUserId { get; init; } = 0x70000000;

    /// <summary>How many of them there are.</summary>
    public int UserIdCount { get; init; } = 65536;

    /// <summary>
    /// IPv4 networks (ADDRESS/BITS) that sandboxes with egress cannot reach, beside the host's own addresses. By default the link-local ones,
    /// where clouds hand out the host's credentials.
    /// </summary>
    public IReadOnlyList<string> DeniedNetworks { get; init; } = ["169.254.0.0/16"];

    /// <summary>
    /// No session starts when less is free on the disk of the cache directory: sessions' disks are sparse files, and one that finds the host's
    /// disk full loses what it writes.
    /// </summary>
    public long MinimumFreeDiskBytes { get; init; } = 256L << 20;

    /// <summary>How long a guest may take to say its first word.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Called with how far something has come that takes long. Any thread.</summary>
    public Action<string> Report { get; init; } = _ => { };

    /// <summary>Called with what an operator should know: something works, but less well than it could. Any thread.</summary>
    public Action<string> Warn { get; init; } = _ => { };
}
