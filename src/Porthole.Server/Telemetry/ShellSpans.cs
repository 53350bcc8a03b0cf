using System.Diagnostics;
using Porthole.Server.Audit;
using Porthole.Server.Shells;

namespace Porthole.Server.Telemetry;

/// <summary>
/// Spans of what follows a shell's 101. The call's own span ends there: a shell may live for hours, and a span is only seen once it has ended.
/// </summary>
internal static class ShellSpans
{
    /// <summary>From the 101 until the client is told that its shell is there, the start of the session included.</summary>
    public static Activity? Attaching(ApiCall call) => Instruments.Activities.StartActivity("attach shell", ActivityKind.Internal, call.Trace.Parent ?? default);

    /// <summary>A moment of its own, hours later and maybe in no trace that anybody still keeps: it links to the call instead of being part of it.</summary>
    public static void Ended(ApiCall call, ShellConnectionEnd end)
    {
        var links = call.Trace.Parent is { } parent ? [new ActivityLink(parent)] : Array.Empty<ActivityLink>();
        var before = Activity.Current;
        Activity.Current = null;
        using (var span = Instruments.Activities.StartActivity("shell disconnected", ActivityKind.Internal, parentContext: default, links: links))
        {
            span?.SetTag("session.id", call.SessionId).SetTag("porthole.shell.id", call.ShellId).SetTag("porthole.shell.end", end.End.ToString());
            span?.SetTag("porthole.shell.close_code", end.CloseCode).SetTag("porthole.shell.bytes_in", end.BytesIn).SetTag("porthole.shell.bytes_out", end.BytesOut);
        }

        Activity.Current = before;
    }
}
