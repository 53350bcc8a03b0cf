using System.Reflection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Porthole.Server.Telemetry;

/// <summary>Sends traces and metrics to a collector by OTLP, from its start until it is disposed.</summary>
internal sealed class TelemetryExport : IDisposable
{
    private readonly ExportFailures _failures;
    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _metrics;

    private TelemetryExport(ServerOptions options, ILogger log)
    {
        _failures = new ExportFailures(log);
        if (Wants(options, "TRACES"))
        {
            _traces = Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(Instruments.Name)
                .AddOtlpExporter(exporter => Aim(exporter, options.Telemetry, "v1/traces")).Build();
        }

        if (Wants(options, "METRICS"))
        {
            _metrics = Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(Instruments.Name)
                .AddOtlpExporter(exporter => Aim(exporter, options.Telemetry, "v1/metrics")).Build();
        }
    }

    /// <summary>Begins to export what the settings and the environment ask for.</summary>
    /// <returns>Null when they ask for nothing: then nothing is measured either.</returns>
    public static TelemetryExport? Start(ServerOptions options, ILogger log) =>
        Wants(options, "TRACES") || Wants(options, "METRICS") ? new TelemetryExport(options, log) : null;

    /// <summary>Sends what is left, within the exporter's own time limit.</summary>
    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
        _failures.Dispose();
    }

    // opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables
    private static bool Wants(ServerOptions options, string signal)
    {
        if (string.Equals(Variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase) || Variable($"OTEL_{signal}_EXPORTER") == "none")
            return false;
        return options.Telemetry.Endpoint is not null || Variable("OTEL_EXPORTER_OTLP_ENDPOINT") is not null || Variable($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") is not null;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static void Describe(ResourceBuilder resource) =>
        resource.AddService("porthole", serviceVersion: Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion)
            .AddAttributes([new("host.name", Environment.MachineName), new("process.pid", Environment.ProcessId)])
            .AddEnvironmentVariableDetector();

    private static void Aim(OtlpExporterOptions exporter, TelemetryOptions options, string path)
    {
        // The exporter has read the environment by itself.
        if (options.Endpoint is not { } endpoint)
            return;
        exporter.Protocol = options.Protocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;

        // An endpoint that is set in code is taken as it is, and HTTP wants a path for each signal.
        exporter.Endpoint = options.Protocol == "grpc" ? endpoint : new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
    }
}
