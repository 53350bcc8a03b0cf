using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Porthole.Server.Telemetry;

/// <summary>
/// Every span source and every metric of the server that is not looked up when it is asked for (those are in <see cref="ServerGauges"/>).
/// While nobody listens, each costs one comparison. Names follow OpenTelemetry's conventions; docs/telemetry.md explains each.
/// </summary>
internal static class Instruments
{
    /// <summary>The name of the source of spans and of the meter.</summary>
    public const string Name = "Porthole";

    // Seconds. From a fast relay hop to a slow start of a session.
    private static readonly InstrumentAdvice<double> Short = new() { HistogramBucketBoundaries = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] };
    private static readonly InstrumentAdvice<double> Long = new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] };

    public static ActivitySource Activities { get; } = new(Name);

    public static Meter Meter { get; } = new(Name);

    /// <summary>Calls of the API.</summary>
    public static Histogram<double> ApiDuration { get; } = Meter.CreateHistogram("porthole.api.duration", "s", "From a call's first moment to its answer's end", advice: Long);

    /// <summary>Starts of sessions.</summary>
    public static Histogram<double> SessionStart { get; } = Meter.CreateHistogram("porthole.session.start.duration", "s", "Making a session's sandbox, up to its guest's first word", advice: Long);

    /// <summary>Ends of sessions.</summary>
    public static Counter<long> SessionsEnded { get; } = Meter.CreateCounter<long>("porthole.session.ended", "{session}", "Sessions that have ended");

    /// <summary>Keystrokes and their echoes, the way through guest and program included.</summary>
    public static Histogram<double> Echo { get; } = Meter.CreateHistogram("porthole.shell.echo.duration", "s", "From a keystroke's arrival to the next output that was sent", advice: Short);

    /// <summary>Output that clients were told they have missed.</summary>
    public static Counter<long> ShellDropped { get; } = Meter.CreateCounter<long>("porthole.shell.dropped", "By", "Output lost while nobody was attached");

    /// <summary>How busy the relay's threads are.</summary>
    public static Histogram<double> RelayLag { get; } = Meter.CreateHistogram("porthole.relay.lag", "s", "How long a relay loop lets new work wait", advice: Short);

    /// <summary>Lines of the audit trail that had no room.</summary>
    public static Counter<long> AuditDropped { get; } = Meter.CreateCounter<long>("porthole.audit.dropped", "{line}", "Lines of the audit trail that were lost");
}
