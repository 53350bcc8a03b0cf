using Microsoft.AspNetCore.Http;

namespace Porthole.Server.Audit;

/// <summary>Puts an <see cref="ApiCall"/> around every request, and writes it down when it was answered.</summary>
internal sealed class ApiCalls(AuditTrail trail, TimeProvider time)
{
    /// <summary>The part of the pipeline. Comes behind the request ids and in front of all that answers.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var call = new ApiCall(context, time, OnAnswered);
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
        if (call.Operation is not null)
            trail.Add(call);
    }
}
