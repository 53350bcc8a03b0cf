using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Porthole.Protocol.Aws;

namespace Porthole.Client;

// The control plane: runtimes, their versions and endpoints, tags and policies. The trailing slashes are the service's.
public sealed partial class AgentCoreClient
{
    /// <summary>Makes a runtime; it becomes usable later, see <see cref="GetRuntimeAsync"/>.</summary>
    /// <param name="name">Its name: a letter, then up to 47 letters, digits or underscores.</param>
    /// <param name="settings">What its first version is.</param>
    /// <param name="tags">Its tags, up to 50.</param>
    /// <param name="cancellation">Gives the request up; the runtime may be made all the same.</param>
    /// <returns>The runtime's id.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message (409: the name is taken), or cannot be reached.</exception>
    public async Task<string> CreateRuntimeAsync(
        string name, AgentRuntimeSettings settings, IReadOnlyDictionary<string, string>? tags = null, CancellationToken cancellation = default)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new CreateRuntimeRequest(name, settings, tags), ControlJson.Default.CreateRuntimeRequest);
        return (await ControlAsync(HttpMethod.Put, "/runtimes/", body, ControlJson.Default.RuntimeChange, cancellation).ConfigureAwait(false)).AgentRuntimeId;
    }

    /// <summary>Makes the next version of a runtime, of all that is given and nothing else; <c>DEFAULT</c> goes to it when it is ready.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="settings">What the version is; a description that was read will do.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (409: another change is under way), or cannot be reached.</exception>
    public async Task UpdateRuntimeAsync(string runtimeId, AgentRuntimeSettings settings, CancellationToken cancellation = default)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new UpdateRuntimeRequest(settings), ControlJson.Default.UpdateRuntimeRequest);
        await ControlAsync(HttpMethod.Put, RuntimePath(runtimeId), body, ControlJson.Default.RuntimeChange, cancellation).ConfigureAwait(false);
    }

    /// <summary>Describes a runtime.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="version">One of its versions; null for the newest.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is none), or cannot be reached.</exception>
    public Task<AgentRuntimeDescription> GetRuntimeAsync(string runtimeId, string? version = null, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Get, RuntimePath(runtimeId) + Query(("version", version)), null, ControlJson.Default.AgentRuntimeDescription, cancellation);

    /// <summary>Lists every runtime.</summary>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public IAsyncEnumerable<AgentRuntimeSummary> ListRuntimesAsync(CancellationToken cancellation = default) =>
        PagesAsync("/runtimes/", ControlJson.Default.RuntimePage, static page => (page.AgentRuntimes, page.NextToken), cancellation);

    /// <summary>Lists every version of a runtime.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public IAsyncEnumerable<AgentRuntimeSummary> ListRuntimeVersionsAsync(string runtimeId, CancellationToken cancellation = default) =>
        PagesAsync(RuntimePath(runtimeId) + "versions/", ControlJson.Default.RuntimePage, static page => (page.AgentRuntimes, page.NextToken), cancellation);

    /// <summary>Begins to remove a runtime with its sessions, or one of its versions.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="version">The version; null for the whole runtime.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task DeleteRuntimeAsync(string runtimeId, string? version = null, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Delete, RuntimePath(runtimeId) + Query(("version", version)), null, cancellation);

    /// <summary>Makes an endpoint.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">The version that it serves; null for the newest.</param>
    /// <param name="description">For people.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task CreateEndpointAsync(string runtimeId, string name, string? version = null, string? description = null, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Put, EndpointsPath(runtimeId), Body(new EndpointRequest(name, version, description)), cancellation);

    /// <summary>Moves an endpoint to another version, or describes it anew; what is null stays.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">The version that it shall serve.</param>
    /// <param name="description">For people.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task UpdateEndpointAsync(string runtimeId, string name, string? version = null, string? description = null, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Put, EndpointPath(runtimeId, name), Body(new EndpointRequest(null, version, description)), cancellation);

    /// <summary>Describes an endpoint.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is none), or cannot be reached.</exception>
    public Task<AgentRuntimeEndpoint> GetEndpointAsync(string runtimeId, string name, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Get, EndpointPath(runtimeId, name), null, ControlJson.Default.AgentRuntimeEndpoint, cancellation);

    /// <summary>Lists every endpoint of a runtime.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public IAsyncEnumerable<AgentRuntimeEndpoint> ListEndpointsAsync(string runtimeId, CancellationToken cancellation = default) =>
        PagesAsync(EndpointsPath(runtimeId), ControlJson.Default.EndpointPage, static page => (page.RuntimeEndpoints, page.NextToken), cancellation);

    /// <summary>Begins to remove an endpoint with its sessions.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task DeleteEndpointAsync(string runtimeId, string name, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Delete, EndpointPath(runtimeId, name), null, cancellation);

    /// <summary>The tags of a runtime or an endpoint.</summary>
    /// <param name="resourceArn">Its ARN.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public async Task<IReadOnlyDictionary<string, string>> ListTagsAsync(string resourceArn, CancellationToken cancellation = default) =>
        (await ControlAsync(HttpMethod.Get, TagsPath(resourceArn), null, ControlJson.Default.TagsDocument, cancellation).ConfigureAwait(false)).Tags;

    /// <summary>Sets tags of a runtime or an endpoint; others stay.</summary>
    /// <param name="resourceArn">Its ARN.</param>
    /// <param name="tags">The tags.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task TagAsync(string resourceArn, IReadOnlyDictionary<string, string> tags, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Post, TagsPath(resourceArn), JsonSerializer.SerializeToUtf8Bytes(new TagsDocument(tags), ControlJson.Default.TagsDocument), cancellation);

    /// <summary>Takes tags of a runtime or an endpoint away.</summary>
    /// <param name="resourceArn">Its ARN.</param>
    /// <param name="keys">The tags' keys.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task UntagAsync(string resourceArn, IEnumerable<string> keys, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Delete, TagsPath(resourceArn) + Query([.. keys.Select(static key => ("tagKeys", (string?)key))]), null, cancellation);

    /// <summary>The policy that a runtime or an endpoint carries.</summary>
    /// <param name="resourceArn">Its ARN.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is none), or cannot be reached.</exception>
    public async Task<string> GetResourcePolicyAsync(string resourceArn, CancellationToken cancellation = default) =>
        (await ControlAsync(HttpMethod.Get, PolicyPath(resourceArn), null, ControlJson.Default.PolicyDocument, cancellation).ConfigureAwait(false)).Policy;

    /// <summary>Gives a runtime or an endpoint a policy, in the place of the one that it has.</summary>
    /// <param name="resourceArn">Its ARN.</param>
    /// <param name="policy">The policy as JSON, up to 20,480 characters.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public Task PutResourcePolicyAsync(string resourceArn, string policy, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Put, PolicyPath(resourceArn), JsonSerializer.SerializeToUtf8Bytes(new PolicyDocument(policy), ControlJson.Default.PolicyDocument), cancellation);

    /// <summary>Takes the policy of a runtime or an endpoint away.</summary>
    /// <param name="resourceArn">Its ARN.</param>
    /// <param name="cancellation">Gives the request up.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is none), or cannot be reached.</exception>
    public Task DeleteResourcePolicyAsync(string resourceArn, CancellationToken cancellation = default) =>
        ControlAsync(HttpMethod.Delete, PolicyPath(resourceArn), null, cancellation);

    private async IAsyncEnumerable<TEntry> PagesAsync<TPage, TEntry>(
        string path, JsonTypeInfo<TPage> type, Func<TPage, (IReadOnlyList<TEntry>, string?)> open, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string? token = null;
        do
        {
            var page = await ControlAsync(HttpMethod.Post, path + Query(("nextToken", token)), [], type, cancellation).ConfigureAwait(false);
            (var entries, token) = open(page);
            foreach (var entry in entries) yield return entry;
        }
        while (token is not null);
    }

    private async Task<T> ControlAsync<T>(HttpMethod method, string target, byte[]? body, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var response = await SendAsync(method, ControlUri(target), Region, [], body, cancellation).ConfigureAwait(false);
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

    private async Task ControlAsync(HttpMethod method, string target, byte[]? body, CancellationToken cancellation)
    {
        using var response = await SendAsync(method, ControlUri(target), Region, [], body, cancellation).ConfigureAwait(false);
    }

    private static byte[] Body(EndpointRequest request) => JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.EndpointRequest);

    private static string RuntimePath(string runtimeId) => $"/runtimes/{PercentEncoding.Encode(runtimeId)}/";

    private static string EndpointsPath(string runtimeId) => RuntimePath(runtimeId) + "runtime-endpoints/";

    private static string EndpointPath(string runtimeId, string name) => $"{EndpointsPath(runtimeId)}{PercentEncoding.Encode(name)}/";

    private static string TagsPath(string resourceArn) => $"/tags/{PercentEncoding.Encode(resourceArn)}";

    private static string PolicyPath(string resourceArn) => $"/resourcepolicy/{PercentEncoding.Encode(resourceArn)}";

    private static string Query(params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var pairs = new List<string>();
        foreach (var (name, value) in parameters)
        {
            if (value is not null) pairs.Add($"{name}={PercentEncoding.Encode(value)}");
        }

        return pairs.Count == 0 ? "" : $"?{string.Join('&', pairs)}";
    }

    private Uri ControlUri(string target) => new((_controlEndpoint()?.AbsoluteUri.TrimEnd('/') ?? $"https://bedrock-agentcore-control.{Region}.amazonaws.com") + target);
}
