using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Protocol.Aws;
using Porthole.Sandboxes.Images;
using Porthole.Server.Api;

namespace Porthole.Server.Images;

/// <summary>The images of the server, outside AWS's paths: what there is, getting one beforehand, and removing what nobody needs.</summary>
internal sealed class ImageEndpoints(ImageStore images, LocalSources sources, RuntimeImages needed)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>GET /porthole/v1/images.</summary>
    public async Task ListAsync(HttpContext context, AdminRequest _)
    {
        var used = await needed.NeededAsync(context.RequestAborted);
        await context.Response.WriteAsJsonAsync(images.List().Select(image => Describe(image, used)), Json, context.RequestAborted);
    }

    /// <summary>POST /porthole/v1/images/pull?reference=…: a line of JSON for each step, and a last one with the image or the error.</summary>
    public async Task PullAsync(HttpContext context, AdminRequest _)
    {
        var reference = Reference(context);
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = "application/x-ndjson";

        // Only the newest step is worth a line to a client that reads slowly.
        var steps = Channel.CreateBounded<ImageProgress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        var preparation = PrepareAsync(reference, steps.Writer, context.RequestAborted);
        await foreach (var step in steps.Reader.ReadAllAsync(context.RequestAborted))
            await WriteLineAsync(context, new { stage = step.Stage.ToString().ToUpperInvariant(), step.Bytes, step.TotalBytes });
        try
        {
            var image = await preparation;
            await WriteLineAsync(context, new { image.Digest, image.Configuration });
        }
        catch (ImageException e)
        {
            // The status is on its way already.
            await WriteLineAsync(context, new { error = e.Message });
        }
    }

    /// <summary>POST /porthole/v1/images/prune.</summary>
    public async Task PruneAsync(HttpContext context, AdminRequest _)
    {
        var removed = await images.PruneAsync(await needed.NeededAsync(context.RequestAborted), context.RequestAborted);
        await context.Response.WriteAsJsonAsync(removed.Select(image => Describe(image, new HashSet<string>())), Json, context.RequestAborted);
    }

    private static object Describe(StoredImage image, IReadOnlySet<string> used) =>
        new { image.Image.Digest, image.References, image.Bytes, image.PreparedAt, InUse = used.Contains(image.Image.Digest) };

    private ImageReference Reference(HttpContext context)
    {
        try
        {
            return sources.ParseImage(context.Request.Query["reference"].ToString());
        }
        catch (ImageException e)
        {
            throw new AwsException(AwsError.InvalidField("reference", e.Message));
        }
    }

    private async Task<PreparedImage> PrepareAsync(ImageReference reference, ChannelWriter<ImageProgress> steps, CancellationToken cancellationToken)
    {
        try
        {
            return await images.PrepareAsync(reference, new Steps(steps), cancellationToken);
        }
        finally
        {
            steps.Complete();
        }
    }

    private static async Task WriteLineAsync(HttpContext context, object line)
    {
        await context.Response.Body.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(line, Json), (byte)'\n'], context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private sealed class Steps(ChannelWriter<ImageProgress> writer) : IProgress<ImageProgress>
    {
        public void Report(ImageProgress value) => writer.TryWrite(value);
    }
}
