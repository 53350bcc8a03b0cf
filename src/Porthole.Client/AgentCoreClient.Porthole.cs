using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Porthole.Protocol.Aws;

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

    /// <summary>Removes what a session stored under its runtime's mount path, after its end. Only on Porthole.</summary>
    /// <param name="runtimeArn">The runtime's ARN.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="qualifier">The endpoint that it was made through; null for DEFAULT.</param>
    /// <param name="cancellation">Gives the request up; it may be removed all the same.</param>
    /// <exception cref="AgentCoreException">
    /// The server refused, with its message (404: it has stored nothing, 409: it has not ended), or cannot be reached.
    /// </exception>
    public async Task RemoveSessionStorageAsync(string runtimeArn, string sessionId, string? qualifier = null, CancellationToken cancellation = default)
    {
        var target = "/porthole/v1/storage" + Query(("runtime", runtimeArn), ("sessionId", sessionId), ("qualifier", qualifier));
        using var response = await SendAsync(HttpMethod.Delete, ServerUri(Region, target), Region, [], null, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Writes a session that is a microVM to the server's disk, with all that runs in it: its memory is free until its next use, which resumes it.
    /// Attached shells are closed with a code that makes clients connect again, which is such a use. Only on Porthole.
    /// </summary>
    /// <param name="runtimeArn">The runtime.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="qualifier">The runtime's endpoint it was made through; null for the default one.</param>
    /// <param name="cancellation">Gives the request up; the session may be suspended all the same.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is no such session; 409: it cannot be suspended now, or at all), or cannot be reached.</exception>
    public Task SuspendSessionAsync(string runtimeArn, string sessionId, string? qualifier = null, CancellationToken cancellation = default) =>
        ChangeSessionAsync("suspend", runtimeArn, sessionId, qualifier, cancellation);

    /// <summary>Reads a suspended session from the disk and lets it go on; nothing happens to one that runs. Only on Porthole.</summary>
    /// <param name="runtimeArn">The runtime.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="qualifier">The runtime's endpoint it was made through; null for the default one.</param>
    /// <param name="cancellation">Gives the request up; the session may be resumed all the same.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is no such session), or cannot be reached.</exception>
    public Task ResumeSessionAsync(string runtimeArn, string sessionId, string? qualifier = null, CancellationToken cancellation = default) =>
        ChangeSessionAsync("resume", runtimeArn, sessionId, qualifier, cancellation);

    /// <summary>Ends the server. Only on Porthole.</summary>
    /// <param name="endSessions">Whether every session ends with it; else they live on for the next server.</param>
    /// <param name="cancellation">Gives the request up; the server may end all the same.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public async Task ShutDownServerAsync(bool endSessions, CancellationToken cancellation = default)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new ShutdownRequest(endSessions), ClientJson.Default.ShutdownRequest);
        using var response = await SendAsync(HttpMethod.Post, ServerUri(Region, "/porthole/v1/shutdown"), Region, [], body, cancellation).ConfigureAwait(false);
    }

    /// <summary>Lists every access key that the server ever gave out, without its secret. Only on Porthole.</summary>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public async Task<IReadOnlyList<AccessKeyDescription>> ListAccessKeysAsync(CancellationToken cancellation = default)
    {
        using var response = await SendAsync(HttpMethod.Get, CredentialsUri(), Region, [], null, cancellation).ConfigureAwait(false);
        return await ReadAsync(response, ClientJson.Default.ListAccessKeyDescription, cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes an access key. Only on Porthole.</summary>
    /// <param name="name">What it is for; keys of the same name are the same user's to policies. Null for none.</param>
    /// <param name="policy">What it may do, as an IAM policy in JSON; null for everything.</param>
    /// <param name="cancellation">Gives the request up; the key may be made all the same.</param>
    /// <returns>The key with its secret, which nobody can ask for again.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public async Task<AccessKeyDescription> CreateAccessKeyAsync(string? name, string? policy, CancellationToken cancellation = default)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new CreateKeyRequest(name, policy), ClientJson.Default.CreateKeyRequest);
        using var response = await SendAsync(HttpMethod.Post, CredentialsUri(), Region, [], body, cancellation).ConfigureAwait(false);
        return await ReadAsync(response, ClientJson.Default.AccessKeyDescription, cancellation).ConfigureAwait(false);
    }

    /// <summary>Takes an access key back, at once and for good. Only on Porthole.</summary>
    /// <param name="accessKeyId">The key.</param>
    /// <param name="cancellation">Gives the request up; the key may be revoked all the same.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is no such key), or cannot be reached.</exception>
    public async Task RevokeAccessKeyAsync(string accessKeyId, CancellationToken cancellation = default)
    {
        var uri = CredentialsUri("/" + PercentEncoding.Encode(accessKeyId));
        using var response = await SendAsync(HttpMethod.Delete, uri, Region, [], null, cancellation).ConfigureAwait(false);
    }

    private async Task ChangeSessionAsync(string change, string runtimeArn, string sessionId, string? qualifier, CancellationToken cancellation)
    {
        var query = Query(("runtime", runtimeArn), ("sessionId", sessionId), ("qualifier", qualifier));
        using var response = await SendAsync(HttpMethod.Post, ServerUri(Region, $"/porthole/v1/sessions/{change}{query}"), Region, [], [], cancellation).ConfigureAwait(false);
    }

    private Uri CredentialsUri(string item = "") => ServerUri(Region, "/porthole/v1/credentials" + item);

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync(stream, type, cancellation).ConfigureAwait(false) ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            throw new AgentCoreException($"The server's answer cannot be read: {e.Message}", e);
        }
    }
}
