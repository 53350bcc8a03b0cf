namespace Porthole.Server;

/// <summary>Settings of traces and metrics (docs/telemetry.md). The standard OTEL_… variables work as well, and are all that is needed.</summary>
public sealed record TelemetryOptions
{
    /// <summary>The collector, http://HOST:PORT; null for what OTEL_EXPORTER_OTLP_ENDPOINT says, and nothing is exported without either.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>How it is spoken to: <c>grpc</c> or <c>http/protobuf</c>. With OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL decides.</summary>
    public string Protocol { get; init; } = "grpc";
}
