using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Porthole.Server.Telemetry;

namespace Porthole.Server.Audit;

/// <summary>Puts an <see cref="ApiCall"/> around every request, and writes down, measures and traces it when it was answered.</summary>
internal sealed class ApiCalls(AuditTrail trail, TimeProvider time)
{
    /// <summary>The part of the pipeline. Comes behind the request ids and in front of all that answers.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var call = new ApiCall(context, time, OnAnswered);
        call.BeginSpan();
        context.Features.Set(call);
        try
        {
            await next(context);
        }
        finally
        {
            call.Answered(context.Response.StatusCode);
        }
    }

    private void OnAnswered(ApiCall call)
    {
        using var span = call.Span;
        if (call.Operation is null)
        {
            // Health checks and strangers' paths are no calls: an unrecorded span is not exported.
            if (span is not null)
                span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            return;
        }

        trail.Add(call);
        Instruments.ApiDuration.Record(call.Duration.TotalSeconds, new TagList
        {
            { "rpc.method", call.Operation },
            { "http.response.status_code", call.Status },
            { "error.type", call.Error?.Name },
        });
        if (span is { IsAllDataRequested: true })
            Describe(span, call);
    }

    // opentelemetry.io/docs/specs/semconv: registry attributes where there are some.
    private static void Describe(Activity span, ApiCall call)
    {
        span.DisplayName = call.Operation!;
        span.SetTag("rpc.system", "aws-api").SetTag("rpc.method", call.Operation).SetTag("aws.request_id", call.RequestId);
        span.SetTag("http.request.method", call.Method).SetTag("http.response.status_code", call.Status);
        span.SetTag("client.address", call.SourceAddress).SetTag("user_agent.original", call.UserAgent);
        span.SetTag("cloud.resource_id", call.ResourceArn).SetTag("session.id", call.SessionId).SetTag("porthole.shell.id", call.ShellId);
        if (call.Error is not { } error)
            return;
        span.SetTag("error.type", error.Name);

        // By the conventions a server's span failed only when the server is at fault.
        if (error.Status >= 500)
            span.SetStatus(ActivityStatusCode.Error, error.Message);
    }
}
