using Microsoft.Extensions.Logging;

namespace Porthole.Server.Telemetry;

/// <summary>Every line that telemetry logs.</summary>
internal static partial class TelemetryLog
{
    [LoggerMessage(140, LogLevel.Warning, "Traces or metrics do not reach the collector ({Event}: {Details}). Check the endpoint and its protocol; this is said once a minute at most")]
    public static partial void NotExported(ILogger log, string @event, string details);
}
