using Porthole.Protocol.Shells;

namespace Porthole.Server;

/// <summary>Settings of a server. All but the data directory have defaults; a configuration file may hold any of them under its name.</summary>
public sealed record ServerOptions
{
    /// <summary>Where the server keeps its state; made when missing, mode 0700.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Addresses to listen on, as http://HOST:PORT or https://HOST:PORT; port 0 picks a free one.</summary>
    public IReadOnlyList<string> ListenUrls { get; init; } = ["http://127.0.0.1:7878"];

    /// <summary>What clients call this server, as https://HOST:PORT, where that is not where it listens: behind a proxy. Null when it is.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>What clients of https are shown; null for a certificate of the data directory's own authority.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>How sessions are isolated: <c>namespace</c>, <c>microvm</c>, or <c>auto</c> for microVMs where hardware virtualisation works.</summary>
    public string Isolation { get; init; } = "auto";

    /// <summary>Where kernel, disks and templates of microVMs are kept; null for <c>microvm</c> in the data directory. Several servers may share one.</summary>
    public string? MicroVmDirectory { get; init; }

    /// <summary>How many microVMs of a kind wait for the next session, about 85 MB each; 0 for none.</summary>
    public int WarmMicroVms { get; init; } = 1;

    /// <summary>Origins of web pages that may use the server, <c>*</c> for all; null for all requests, and WebSockets of the own host.</summary>
    public IReadOnlyList<string>? AllowedOrigins { get; init; }

    /// <summary>AWS region in ARNs and signatures.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>AWS account in ARNs, 12 digits.</summary>
    public string AccountId { get; init; } = "000000000000";

    /// <summary>Limits of shells and their connections (contract section 6).</summary>
    public ShellLimits Shells { get; init; } = ShellLimits.Default;

    /// <summary>Limits of agents and of what is asked of them.</summary>
    public Agents.AgentLimits Agents { get; init; } = Porthole.Server.Agents.AgentLimits.Default;

    /// <summary>How many requests the control plane takes.</summary>
    public Control.ControlPlaneLimits ControlPlane { get; init; } = new();

    /// <summary>Limits of each sandbox; null for what suits this host (see <c>porthole doctor</c>).</summary>
    public Sandboxes.SandboxLimits? SandboxLimits { get; init; }

    /// <summary>Directory with porthole-guest and porthole-launch; null for the one beside the program.</summary>
    public string? GuestDirectory { get; init; }

    /// <summary>First user id of the range that sessions run under when the server is root; one id per live session.</summary>
    public uint FirstSessionUid { get; init; } = 0x7000_0000;

    /// <summary>Whether sessions may reach the network. The host's loopback is never reachable.</summary>
    public bool Egress { get; init; } = true;

    /// <summary>How long a session may be idle; null for each runtime's own setting.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>How long a session may live; null for each runtime's own setting.</summary>
    public TimeSpan? MaxLifetime { get; init; }

    /// <summary>How long the storage of a session is kept that does not come back.</summary>
    public TimeSpan StorageRetention { get; init; } = TimeSpan.FromDays(14);

    /// <summary>What is written down about calls, and how much of it is kept.</summary>
    public AuditOptions Audit { get; init; } = new();

    /// <summary>Where traces and metrics go.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();

    /// <summary>How the log is written: <c>text</c>, a line for people, or <c>json</c>, an object in a line for programs.</summary>
    public string LogFormat { get; init; } = "text";

    /// <summary>Registries (HOST or HOST:PORT) that need no TLS with a trusted certificate. Those on loopback never do.</summary>
    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    /// <summary>Directories of this machine, beside the inbox of the data directory, that images and code may come from; absolute paths.</summary>
    public IReadOnlyList<string> AllowedPaths { get; init; } = [];
}
