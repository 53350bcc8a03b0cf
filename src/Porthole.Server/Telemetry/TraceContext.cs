using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Porthole.Server.Telemetry;

/// <summary>
/// The W3C trace context of a call (w3.org/TR/trace-context, w3.org/TR/baggage): what the client sent, or our own span in its trace where calls are
/// traced. Handed on to what runs in the session, in headers to the agent and in the environment to a command.
/// </summary>
/// <param name="TraceParent">Version, trace, span and flags; null without a trace.</param>
/// <param name="TraceState">What vendors add to it.</param>
/// <param name="Baggage">What the client wants to be known everywhere.</param>
internal sealed record TraceContext(string? TraceParent, string? TraceState, string? Baggage)
{
    // Contract section 2.1.
    private const int MaxTraceStateLength = 512, MaxBaggageLength = 8192;

    /// <summary>Reads what a client sent. What is malformed or too long is left out, as the recommendation asks for.</summary>
    public static TraceContext Read(IHeaderDictionary headers)
    {
        var state = headers.TraceState.ToString();
        var baggage = headers.Baggage.ToString();
        return new TraceContext(
            ActivityContext.TryParse(headers.TraceParent, null, out _) ? headers.TraceParent.ToString() : null,
            state.Length is > 0 and <= MaxTraceStateLength ? state : null,
            baggage.Length is > 0 and <= MaxBaggageLength ? baggage : null);
    }

    /// <summary>The span that <see cref="TraceParent"/> names, as the parent of another one.</summary>
    public ActivityContext? Parent => ActivityContext.TryParse(TraceParent, TraceState, isRemote: true, out var parent) ? parent : null;

    /// <summary>The same with a span of ours as the parent of what follows.</summary>
    public TraceContext In(Activity? span) => span is null ? this : this with { TraceParent = span.Id, TraceState = span.TraceStateString };

    /// <summary>Variables in the form NAME=value, named after OpenTelemetry's "Environment Variables as Context Propagation Carriers".</summary>
    public IEnumerable<string> Environment()
    {
        if (TraceParent is not null)
            yield return $"TRACEPARENT={TraceParent}";
        if (TraceParent is not null && TraceState is not null)
            yield return $"TRACESTATE={TraceState}";
        if (Baggage is not null)
            yield return $"BAGGAGE={Baggage}";
    }
}
