using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Protocol.Aws;
using Porthole.Sandboxes.Images;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Api;

/// <summary>
/// GET /porthole/v1/progress?runtimeId=…: a line of JSON for each step of a runtime that is being made, until it is what it was to become. One
/// request in the place of many that ask for its state, each of which would have a line in the audit trail.
/// </summary>
internal sealed class ProgressEndpoint(PortholeStore store, PreparationProgress progress, TimeProvider time)
{
    // What a person sees as steady.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public async Task HandleAsync(HttpContext context, string runtimeId)
    {
        var gone = context.RequestAborted;
        if (await store.FindRuntimeAsync(runtimeId, gone) is null)
            throw new AwsException(AwsError.NotFound($"There is no runtime '{runtimeId}'."));
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "application/x-ndjson";
        ImageProgress? written = null;
        while (await store.FindRuntimeAsync(runtimeId, gone) is { Status: ResourceStatus.Creating or ResourceStatus.Updating })
        {
            var step = progress.Of(runtimeId);
            if (step is { } next && step != written)
            {
                var line = JsonSerializer.SerializeToUtf8Bytes(new { stage = next.Stage.ToString().ToUpperInvariant(), next.Bytes, next.TotalBytes }, Json);
                await context.Response.Body.WriteAsync((byte[])[.. line, (byte)'\n'], gone);
                await context.Response.Body.FlushAsync(gone);
                written = step;
            }

            await Task.Delay(Interval, time, gone);
        }
    }
}
