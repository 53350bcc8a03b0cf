using System.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Server.Audit;

namespace Porthole.Server.Auth;

/// <summary>Answers with an <see cref="AwsError"/> in the form that the official clients read.</summary>
public static class AwsErrorResponse
{
    /// <summary>Gives every request an id of its own, as its trace identifier and in the answer's <c>x-amzn-RequestId</c>. Comes first in the pipeline.</summary>
    public static IApplicationBuilder UseRequestIds(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        context.TraceIdentifier = Guid.NewGuid().ToString("D");
        context.Response.Headers[AwsError.RequestIdHeader] = context.TraceIdentifier;
        return next(context);
    });

    /// <summary>Writes the whole answer.</summary>
    /// <param name="context">The request; its answer has not begun, so before an upgrade too.</param>
    /// <param name="error">The error.</param>
    /// <exception cref="InvalidOperationException">The answer has begun.</exception>
    public static async Task WriteAsync(HttpContext context, AwsError error)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(error);
        context.Features.Get<ApiCall>()?.Fail(error);
        var body = new ArrayBufferWriter<byte>();
        error.WriteBody(body);
        var response = context.Response;
        response.StatusCode = error.Status;
        response.ContentType = AwsError.ContentType;
        response.ContentLength = body.WrittenCount;
        response.Headers[AwsError.TypeHeader] = error.Name;
        response.Headers[AwsError.RequestIdHeader] = context.TraceIdentifier;
        await response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }
}
