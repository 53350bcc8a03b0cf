using System.Text.Json;

namespace Porthole.Client;

// What a Porthole server can do beyond AWS's data plane. Its paths lie outside AWS's.
public sealed partial class AgentCoreClient
{
    /// <summary>Lists the server's sessions and their shells. Only on Porthole: AWS has no such operation.</summary>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public async Task<IReadOnlyList<SessionDescription>> ListSessionsAsync(CancellationToken cancellation = default)
    {
        using var response = await SendAsync(HttpMethod.Get, ServerUri(Region, "/porthole/v1/sessions"), Region, [], null, cancellation).ConfigureAwait(false);
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync(stream, ClientJson.Default.ListSessionDescription, cancellation).ConfigureAwait(false) ?? [];
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            throw new AgentCoreException($"The server's list of sessions cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Ends the server. Only on Porthole.</summary>
    /// <param name="endSessions">Whether every session ends with it; else they live on for the next server.</param>
    /// <param name="cancellation">Gives the request up; the server may end all the same.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public async Task ShutDownServerAsync(bool endSessions, CancellationToken cancellation = default)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new ShutdownRequest(endSessions), ClientJson.Default.ShutdownRequest);
        using var response = await SendAsync(HttpMethod.Post, ServerUri(Region, "/porthole/v1/shutdown"), Region, [], body, cancellation).ConfigureAwait(false);
    }
}
