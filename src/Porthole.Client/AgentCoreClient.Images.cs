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
        var uri = ServerUri(Region, $"{ImagesPath}/pull?reference={PercentEncoding.Encode(reference)}");
        using var response = await SendAsync(HttpMethod.Post, uri, Region, [], [], cancellation).ConfigureAwait(false);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
        var isWhole = false;
        while (await ReadLineAsync(lines, cancellation).ConfigureAwait(false) is { } line)
        {
            var step = JsonSerializer.Deserialize(line, ClientJson.Default.ImagePullStep) ?? throw new AgentCoreException("The server's answer cannot be read.");
            if (step.Error is { } error) throw new AgentCoreException(error);
            isWhole = step.Digest is not null;
            yield return step;
        }

        if (!isWhole) throw new AgentCoreException("The server ended before the image was there.");
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
