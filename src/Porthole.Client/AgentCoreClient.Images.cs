using System.Runtime.CompilerServices;
using System.Text.Json;
using Porthole.Protocol.Aws;

namespace Porthole.Client;

// The images of a Porthole server. AWS has no such operations.
public sealed partial class AgentCoreClient
{
    private const string ImagesPath = "/porthole/v1/images";

    /// <summary>Lists the images that the server keeps.</summary>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task<IReadOnlyList<ImageDescription>> ListImagesAsync(CancellationToken cancellation = default) => ImagesAsync(HttpMethod.Get, ImagesPath, cancellation);

    /// <summary>Removes the images that no runtime and no session needs.</summary>
    /// <param name="cancellation">Gives the request up.</param>
    /// <returns>Those that were removed.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task<IReadOnlyList<ImageDescription>> PruneImagesAsync(CancellationToken cancellation = default) => ImagesAsync(HttpMethod.Post, ImagesPath + "/prune", cancellation);

    /// <summary>Gets an image to the server, so that a runtime that names it is ready at once.</summary>
    /// <param name="reference">The image.</param>
    /// <param name="cancellation">Gives the request up; what has arrived at the server is kept for the next time.</param>
    /// <returns>The steps as they happen; the last one has the image's digest.</returns>
    /// <exception cref="AgentCoreException">The image cannot be had, or the server refused, with its message, or cannot be reached.</exception>
    public async IAsyncEnumerable<ImagePullStep> PullImageAsync(string reference, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var isWhole = false;
        await foreach (var step in StepsAsync(HttpMethod.Post, $"{ImagesPath}/pull?reference={PercentEncoding.Encode(reference)}", cancellation).ConfigureAwait(false))
        {
            if (step.Error is { } error) throw new AgentCoreException(error);
            isWhole = step.Digest is not null;
            yield return step;
        }

        if (!isWhole) throw new AgentCoreException("The server ended before the image was there.");
    }

    /// <summary>Watches a runtime that is being made, until its state is another one, which has to be asked for.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="cancellation">Gives the request up; the work goes on.</param>
    /// <returns>The steps of its image as they happen; none when it takes no time.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message, cannot be reached, or is none of Porthole's (status 404).</exception>
    public IAsyncEnumerable<ImagePullStep> WatchRuntimeAsync(string runtimeId, CancellationToken cancellation = default) =>
        StepsAsync(HttpMethod.Get, $"/porthole/v1/progress?runtimeId={PercentEncoding.Encode(runtimeId)}", cancellation);

    private async IAsyncEnumerable<ImagePullStep> StepsAsync(HttpMethod method, string path, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var response = await SendAsync(method, ServerUri(Region, path), Region, [], method == HttpMethod.Get ? null : [], cancellation).ConfigureAwait(false);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
        while (await ReadLineAsync(lines, cancellation).ConfigureAwait(false) is { } line)
            yield return JsonSerializer.Deserialize(line, ClientJson.Default.ImagePullStep) ?? throw new AgentCoreException("The server's answer cannot be read.");
    }

    private static async Task<string?> ReadLineAsync(StreamReader lines, CancellationToken cancellation)
    {
        try
        {
            return await lines.ReadLineAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new AgentCoreException($"The server ended before the image was there: {e.Message}", e);
        }
    }

    private async Task<IReadOnlyList<ImageDescription>> ImagesAsync(HttpMethod method, string path, CancellationToken cancellation)
    {
        using var response = await SendAsync(method, ServerUri(Region, path), Region, [], method == HttpMethod.Get ? null : [], cancellation).ConfigureAwait(false);
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync(stream, ClientJson.Default.ListImageDescription, cancellation).ConfigureAwait(false) ?? [];
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            throw new AgentCoreException($"The server's list of images cannot be read: {e.Message}", e);
        }
    }
}
