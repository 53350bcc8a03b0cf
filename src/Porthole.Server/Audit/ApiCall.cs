using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Audit;

/// <summary>
/// What the audit trail and telemetry say about one call of the API. It goes with the request from the first moment; each part is filled in
/// where it becomes known, whether the call succeeds or is refused later, and all of it is read once, when the call was answered.
/// Never anything that was typed, printed, sent or signed with.
/// </summary>
internal sealed class ApiCall(HttpContext context, TimeProvider time, Action<ApiCall> answered)
{
    private readonly HttpRequest _request = context.Request;
    private readonly long _started = Stopwatch.GetTimestamp();
    private bool _isAnswered;

    /// <summary>The call that a request is.</summary>
    public static ApiCall Of(HttpContext context) => context.Features.GetRequiredFeature<ApiCall>();

    /// <summary>The address that the connection came from, a proxy's where there is one.</summary>
    public string SourceAddress { get; } = context.Connection.RemoteIpAddress?.ToString() ?? "";

    /// <summary>What the client calls itself.</summary>
    public string UserAgent => _request.Headers.UserAgent.ToString();

    public string Method => _request.Method;

    /// <summary>The call's span; null where calls are not traced. It ends with the answer, and an upgraded connection refers to it.</summary>
    public Activity? Span { get; private set; }

    /// <summary>What to hand on to whatever works for this call.</summary>
    public TraceContext Trace { get; private set; } = TraceContext.Read(context.Request.Headers);

    public DateTimeOffset Time { get; } = time.GetUtcNow();

    /// <summary>The id that the client got in <c>x-amzn-RequestId</c>.</summary>
    public string RequestId { get; } = context.TraceIdentifier;

    /// <summary>The operation's name in the service model; null when the path names none, and for what is not worth a line, as a health check.</summary>
    public string? Operation { get; set; }

    /// <summary>Who calls, once that is proven.</summary>
    public Caller? Caller { get; set; }

    /// <summary>ARN of the runtime, endpoint or other resource that the call is about.</summary>
    public string? ResourceArn { get; set; }

    public string? SessionId { get; set; }

    public string? ShellId { get; set; }

    /// <summary>Why it was refused or failed.</summary>
    public AwsError? Error { get; private set; }

    /// <summary>Further parts of the request that are safe to keep: names and numbers, never bodies.</summary>
    public Dictionary<string, object> RequestParameters { get; } = [];

    /// <summary>What the call made or changed: names and numbers.</summary>
    public Dictionary<string, object> ResponseElements { get; } = [];

    /// <summary>The HTTP status of the answer, once it was answered.</summary>
    public int Status { get; private set; }

    /// <summary>From the request's first moment to its answer's end; of an upgrade, to its 101.</summary>
    public TimeSpan Duration { get; private set; }

    /// <summary>Begins the call's span, as a child of the client's own.</summary>
    public void BeginSpan()
    {
        // The framework has a span of its own for each request, which nobody records: without another parent it would be ours.
        Activity.Current = null;
        Span = Instruments.Activities.StartActivity("api call", ActivityKind.Server, Trace.Parent ?? default);
        Trace = Trace.In(Span);
    }

    /// <summary>Notes a failure. The first one counts: later ones are its consequences.</summary>
    public void Fail(AwsError error) => Error ??= error;

    /// <summary>Notes that nobody waits for the answer any more. The status is the one that nginx has for it; no client sees it.</summary>
    public void ClientLeft()
    {
        const int clientClosedRequest = 499;
        Fail(new AwsError(clientClosedRequest, "ClientDisconnected", "The client left before its answer was complete."));
    }

    /// <summary>The call is over, but for the connection that it may have become. Only the first time counts.</summary>
    public void Answered(int status)
    {
        if (_isAnswered)
            return;
        _isAnswered = true;
        (Status, Duration) = (status, Stopwatch.GetElapsedTime(_started));
        answered(this);
    }
}
