using System.Diagnostics.Tracing;
using Microsoft.Extensions.Logging;

namespace Porthole.Server.Telemetry;

/// <summary>Tells the log when traces and metrics do not reach the collector. The exporter says so to its event source only, for each batch.</summary>
internal sealed class ExportFailures(ILogger log) : EventListener
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private DateTime _toldAt;

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "OpenTelemetry-Exporter-OpenTelemetryProtocol")
            EnableEvents(eventSource, EventLevel.Warning);
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        lock (_lock)
        {
            if (eventData.TimeStamp - _toldAt < Interval)
                return;
            _toldAt = eventData.TimeStamp;
        }

        // Its texts may carry a whole stack trace: the first line says what failed.
        var parts = eventData.Payload?.Select(static part => part?.ToString()?.Split('\n', 2)[0]) ?? [];
        TelemetryLog.NotExported(log, eventData.EventName ?? "", string.Join(' ', parts));
    }
}
