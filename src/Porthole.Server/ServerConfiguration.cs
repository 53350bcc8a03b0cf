using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Sandboxes;
using Porthole.Server.Agents;
using Porthole.Server.Api;
using Porthole.Server.Control;
using Porthole.Server.Tls;

namespace Porthole.Server;

/// <summary>The configuration file of <c>porthole serve --config</c>: JSON, every setting optional, unknown ones refused (docs/configuration.md).</summary>
public sealed record ServerConfiguration
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new SecondsConverter() },
    };

    /// <summary>See <see cref="ServerOptions.ListenUrls"/>.</summary>
    public IReadOnlyList<string>? Listen { get; init; }

    /// <summary>See <see cref="ServerOptions.PublicUrl"/>.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>See <see cref="ServerOptions.Tls"/>.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>See <see cref="ServerOptions.AllowedOrigins"/>.</summary>
    public IReadOnlyList<string>? AllowedOrigins { get; init; }

    /// <summary>See <see cref="ServerOptions.Isolation"/>.</summary>
    public string? Isolation { get; init; }

    /// <summary>See <see cref="ServerOptions.MicroVmDirectory"/>.</summary>
    public string? MicroVmDirectory { get; init; }

    /// <summary>See <see cref="ServerOptions.WarmMicroVms"/>.</summary>
    public int? WarmMicroVms { get; init; }

    /// <summary>See <see cref="ServerOptions.Region"/>.</summary>
    public string? Region { get; init; }

    /// <summary>See <see cref="ServerOptions.AccountId"/>.</summary>
    public string? AccountId { get; init; }

    /// <summary>See <see cref="ServerOptions.Egress"/>.</summary>
    public bool? Egress { get; init; }

    /// <summary>See <see cref="ServerOptions.FirstSessionUid"/>.</summary>
    public uint? FirstSessionUid { get; init; }

    /// <summary>See <see cref="ServerOptions.IdleTimeout"/>; seconds.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>See <see cref="ServerOptions.MaxLifetime"/>; seconds.</summary>
    public TimeSpan? MaxLifetime { get; init; }

    /// <summary>See <see cref="ServerOptions.StorageRetention"/>; seconds.</summary>
    public TimeSpan? StorageRetention { get; init; }

    /// <summary>See <see cref="ServerOptions.Shells"/>; times in seconds.</summary>
    public ShellLimits? Shells { get; init; }

    /// <summary>See <see cref="ServerOptions.Agents"/>; times in seconds.</summary>
    public AgentLimits? Agents { get; init; }

    /// <summary>See <see cref="ServerOptions.ControlPlane"/>.</summary>
    public ControlPlaneLimits? ControlPlane { get; init; }

    /// <summary>See <see cref="ServerOptions.SandboxLimits"/>.</summary>
    public SandboxLimits? Sandbox { get; init; }

    /// <summary>See <see cref="ServerOptions.Audit"/>.</summary>
    public AuditOptions? Audit { get; init; }

    /// <summary>See <see cref="ServerOptions.Telemetry"/>.</summary>
    public TelemetryOptions? Telemetry { get; init; }

    /// <summary>See <see cref="ServerOptions.LogFormat"/>.</summary>
    public string? LogFormat { get; init; }

    /// <summary>See <see cref="ServerOptions.InsecureRegistries"/>.</summary>
    public IReadOnlyList<string>? InsecureRegistries { get; init; }

    /// <summary>See <see cref="ServerOptions.AllowedPaths"/>.</summary>
    public IReadOnlyList<string>? AllowedPaths { get; init; }

    /// <summary>Reads a file; without one, all settings have their defaults.</summary>
    /// <exception cref="ConfigurationException">The file cannot be read, or a setting is unknown or of the wrong kind.</exception>
    public static ServerConfiguration Read(string? path)
    {
        if (path is null)
            return new ServerConfiguration();
        try
        {
            return JsonSerializer.Deserialize<ServerConfiguration>(File.ReadAllBytes(path), Json) ?? new ServerConfiguration();
        }
        catch (JsonException e)
        {
            throw new ConfigurationException($"{path}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The configuration file cannot be read: {e.Message}");
        }
    }

    /// <summary>The settings with their defaults filled in.</summary>
    /// <exception cref="ConfigurationException">A setting is out of range.</exception>
    public ServerOptions ToOptions(string dataDirectory)
    {
        var defaults = new ServerOptions { DataDirectory = dataDirectory };
        var options = defaults with
        {
            ListenUrls = Listen is { Count: > 0 } ? Listen : defaults.ListenUrls,
            PublicUrl = PublicUrl,
            Tls = Tls,
            AllowedOrigins = AllowedOrigins,
            Isolation = Isolation ?? defaults.Isolation,
            MicroVmDirectory = MicroVmDirectory,
            WarmMicroVms = WarmMicroVms ?? defaults.WarmMicroVms,
            Region = Region ?? defaults.Region,
            AccountId = AccountId ?? defaults.AccountId,
            Egress = Egress ?? defaults.Egress,
            FirstSessionUid = FirstSessionUid ?? defaults.FirstSessionUid,
            IdleTimeout = IdleTimeout,
            MaxLifetime = MaxLifetime,
            StorageRetention = StorageRetention ?? defaults.StorageRetention,
            Shells = Shells ?? defaults.Shells,
            Agents = Agents ?? defaults.Agents,
            ControlPlane = ControlPlane ?? defaults.ControlPlane,
            SandboxLimits = Sandbox,
            Audit = Audit ?? defaults.Audit,
            Telemetry = Telemetry ?? defaults.Telemetry,
            LogFormat = LogFormat ?? defaults.LogFormat,
            InsecureRegistries = InsecureRegistries ?? defaults.InsecureRegistries,
            AllowedPaths = AllowedPaths ?? defaults.AllowedPaths,
        };
        Check(RuntimeArn.IsAccountId(options.AccountId), "accountId", "must be 12 digits");
        Check(options.Region.Length is > 0 and <= 32, "region", "must be 1 to 32 characters");
        Check(options.WarmMicroVms is >= 0 and <= 100, "warmMicroVms", "must be 0 to 100");
        Check(options.AllowedOrigins?.All(BrowserAccess.IsOrigin) ?? true, "allowedOrigins", "must be a list of origins as https://HOST:PORT, or *");
        Check(options.AllowedPaths.All(Path.IsPathFullyQualified), "allowedPaths", "must be a list of absolute paths of directories");
        CheckShells(options.Shells);
        CheckAgents(options.Agents);
        Check(options.PublicUrl is null || (options.PublicUrl.IsAbsoluteUri && ListenAddress.IsValid(options.PublicUrl.OriginalString)), "publicUrl", "must be https://HOST:PORT or http://HOST:PORT");
        Check(options.Tls is null || (options.Tls.Certificate is null) == (options.Tls.Key is null), "tls", "needs certificate and key together");
        if (options.Tls?.Names?.FirstOrDefault(static name => !CertificateNames.IsName(name)) is { } wrong)
            throw new ConfigurationException($"The setting 'tls.names' has '{wrong}', which is neither a host name nor an IP address.");
        CheckControlPlane(options.ControlPlane);
        CheckAudit(options.Audit);
        Check(options.Telemetry.Endpoint is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, "telemetry.endpoint", "must be http://HOST:PORT or https://HOST:PORT");
        Check(options.Telemetry.Protocol is "grpc" or "http/protobuf", "telemetry.protocol", "must be grpc or http/protobuf");
        Check(options.LogFormat is "text" or "json", "logFormat", "must be text or json");
        return options;
    }

    private static void CheckShells(ShellLimits shells)
    {
        Check(shells.MaxAttachedShells is >= 1 and <= 1000, "shells.maxAttachedShells", "must be 1 to 1000");
        Check(shells.MaxShells >= shells.MaxAttachedShells, "shells.maxShells", "must be at least shells.maxAttachedShells");
        Check(shells.MaxFrameBytesSent is >= ShellLimits.MinFrameBytesSent and <= ShellLimits.LargestFrameBytesSent, "shells.maxFrameBytesSent",
            $"must be {ShellLimits.MinFrameBytesSent} to {ShellLimits.LargestFrameBytesSent}");
        Check(shells.MaxFrameBytesReceived >= 2, "shells.maxFrameBytesReceived", "must be 2 or more");
        Check(shells.MaxConsecutiveTextFrames >= 1, "shells.maxConsecutiveTextFrames", "must be 1 or more");
        Check(shells.MaxFramesPerWindow >= 1, "shells.maxFramesPerWindow", "must be 1 or more");
        Check(shells.RingBytes is >= 4096 and <= 16 * 1024 * 1024, "shells.ringBytes", "must be 4096 to 16777216");
        Check(shells.PingInterval > TimeSpan.Zero && shells.DeadAfter > shells.PingInterval, "shells.deadAfter", "must be longer than shells.pingInterval");
    }

    private static void CheckControlPlane(ControlPlaneLimits limits)
    {
        Check(limits.MaxChangesPerSecond >= 1, "controlPlane.maxChangesPerSecond", "must be 1 or more");
        Check(limits.MaxReadsPerSecond >= 1, "controlPlane.maxReadsPerSecond", "must be 1 or more");
        Check(limits.MaxListsPerSecond >= 1, "controlPlane.maxListsPerSecond", "must be 1 or more");
    }

    private static void CheckAudit(AuditOptions audit)
    {
        Check(audit.MaxFileBytes >= AuditOptions.MinFileBytes, "audit.maxFileBytes", $"must be at least {AuditOptions.MinFileBytes}");
        Check(audit.MaxTotalBytes / 2 >= audit.MaxFileBytes, "audit.maxTotalBytes", "must be at least twice audit.maxFileBytes");
    }

    private static void CheckAgents(AgentLimits agents)
    {
        Check(agents.StartTimeout > TimeSpan.Zero, "agents.startTimeout", "must be longer than 0");
        Check(agents.RequestTimeout > TimeSpan.Zero, "agents.requestTimeout", "must be longer than 0");
        Check(agents.StreamTimeout >= agents.RequestTimeout, "agents.streamTimeout", "must be at least agents.requestTimeout");
        Check(agents.HealthInterval >= TimeSpan.FromMilliseconds(100), "agents.healthInterval", "must be 0.1 or more");
        Check(agents.HealthTimeout > TimeSpan.Zero, "agents.healthTimeout", "must be longer than 0");
        Check(agents.LogBytes is >= 4096 and <= 16 * 1024 * 1024, "agents.logBytes", "must be 4096 to 16777216");
        Check(agents.MaxSocketFrameBytes is >= 125 and <= 16 * 1024 * 1024, "agents.maxSocketFrameBytes", "must be 125 to 16777216");
        Check(agents.MaxSocketFramesPerSecond >= 1, "agents.maxSocketFramesPerSecond", "must be 1 or more");
    }

    private static void Check(bool valid, string name, string rule)
    {
        if (!valid)
            throw new ConfigurationException($"The setting '{name}' {rule}.");
    }

    /// <summary>A duration as a number of seconds, or as "hh:mm:ss".</summary>
    private sealed class SecondsConverter : JsonConverter<TimeSpan>
    {
        public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
        {
            JsonTokenType.Number when reader.GetDouble() is var seconds and >= 0 and < 1e9 => TimeSpan.FromSeconds(seconds),
            JsonTokenType.String when TimeSpan.TryParseExact(reader.GetString(), "c", CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.Zero => time,
            _ => throw new JsonException("a duration is a number of seconds, or \"hh:mm:ss\""),
        };

        public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) => writer.WriteNumberValue(value.TotalSeconds);
    }
}
