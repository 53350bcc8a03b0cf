using System.Net.Http.Headers;
using System.Text.Json;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Header = System.Collections.Generic.KeyValuePair<string, string>;

namespace Porthole.Client;

/// <summary>
/// Asks Amazon Bedrock AgentCore, on Porthole or on AWS: terminals and commands in the sessions of a runtime, and the control plane of runtimes.
/// Safe for use by many threads; keeps connections for reuse until disposed.
/// </summary>
public sealed partial class AgentCoreClient : IDisposable
{
    private const string DefaultRegion = "us-east-1";

    private readonly AgentCoreClientOptions _options;
    private readonly Func<Uri?> _endpoint;
    private readonly Func<Uri?> _controlEndpoint;
    private readonly SocketsHttpHandler _connections;

    // Not HttpClient: it would put a time limit on answers that may stream for an hour.
    private readonly HttpMessageInvoker _requests;

    /// <summary>Makes a client; it connects when first used.</summary>
    /// <param name="options">Where and as whom; the environment's answers by default.</param>
    /// <exception cref="AgentCoreException">An endpoint in the environment is no address.</exception>
    public AgentCoreClient(AgentCoreClientOptions? options = null)
    {
        _options = options ?? new AgentCoreClientOptions();
        var endpoint = _options.Endpoint ?? AwsEnvironment.Process.Endpoint();
        _endpoint = _options.FindEndpoint is { } find ? () => find() : () => endpoint;
        var control = _options.ControlEndpoint ?? _options.Endpoint ?? AwsEnvironment.Process.ControlEndpoint();
        _controlEndpoint = _options is { ControlEndpoint: null, FindEndpoint: not null } ? _endpoint : () => control;

        // The handler sets TCP_NODELAY by itself; a keystroke never waits for the one before it.
        _connections = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        _options.ConfigureConnections?.Invoke(_connections);
        _requests = new HttpMessageInvoker(_connections, disposeHandler: false);
        Upgrades = new HttpMessageInvoker(new UpgradeRefusals(_connections), disposeHandler: false);
    }

    internal HttpMessageInvoker Upgrades { get; }

    internal ClientAuthentication Authentication => _options.Authentication;

    internal TimeProvider Time => _options.TimeProvider;

    /// <summary>
    /// Attaches to a shell, making it and its session when they do not exist, and waits for the confirmation.
    /// </summary>
    /// <param name="runtimeArn">The runtime's ARN.</param>
    /// <param name="options">Which shell, and how to hold on to it.</param>
    /// <param name="cancellation">Gives the attach up; has no meaning afterwards.</param>
    /// <returns>The attached shell; read it until it ends, and dispose it to detach.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached, or an id is not valid.</exception>
    public Task<ShellConnection> OpenShellAsync(string runtimeArn, ShellOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new ShellOptions();
        CheckSessionId(options.SessionId);
        if (options.ShellId is { } shellId && !ShellId.IsValid(shellId))
            throw new AgentCoreException($"'{shellId}' is no shell id: 1 to {ShellId.MaxLength} letters, digits, '_' or '-', the first a letter or digit.");
        return ShellConnection.OpenAsync(new ShellConnector(this, runtimeArn, options), options, cancellation);
    }

    /// <summary>Makes a URL that attaches to a shell without any header, for a browser or another program.</summary>
    /// <param name="runtimeArn">The runtime's ARN.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="shellId">The shell.</param>
    /// <param name="expires">Time in which it must be used, 1 to 300 s.</param>
    /// <param name="qualifier">The runtime's endpoint; null for <c>DEFAULT</c>.</param>
    /// <exception cref="AgentCoreException">This client has no access key.</exception>
    public Uri PresignShell(string runtimeArn, string sessionId, string shellId, TimeSpan expires, string? qualifier = null)
    {
        List<Header> query = [new(ShellId.QueryName, shellId), new(SessionId.HeaderName, sessionId)];
        if (qualifier is not null) query.Add(new("qualifier", qualifier));
        var uri = RuntimeUri(runtimeArn, "/ws/shells", query);
        return RequestSigning.Presign(Authentication, WebSocketUri(uri), RegionOf(runtimeArn), expires, Time.GetUtcNow());
    }

    /// <summary>Runs a command in a session with bash, without a terminal and without input.</summary>
    /// <param name="runtimeArn">The runtime's ARN.</param>
    /// <param name="command">The command line, 1 byte to 64 KB.</param>
    /// <param name="options">The session and the time limit.</param>
    /// <param name="cancellation">Gives the request up; the server ends the command.</param>
    /// <returns>The running command; read it to its end.</returns>
    /// <exception cref="AgentCoreException">The server refused, with its message, or cannot be reached.</exception>
    public async Task<CommandExecution> InvokeCommandAsync(
        string runtimeArn, string command, CommandOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new CommandOptions();
        CheckSessionId(options.SessionId);
        var sessionId = options.SessionId ?? SessionId.NewId();
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new CommandRequest(command, options.Timeout is { } timeout ? (int)Math.Ceiling(timeout.TotalSeconds) : null), ClientJson.Default.CommandRequest);
        var response = await PostAsync(RuntimeUri(runtimeArn, "/commands", Qualifier(options.Qualifier)), RegionOf(runtimeArn), sessionId, body, cancellation)
            .ConfigureAwait(false);
        try
        {
            var confirmed = response.Headers.TryGetValues(SessionId.HeaderName, out var values) ? values.First() : sessionId;
            return new CommandExecution(response, await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false), confirmed);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Ends a session: its shells, its commands and its files.</summary>
    /// <param name="runtimeArn">The runtime's ARN.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="qualifier">The runtime's endpoint; null for <c>DEFAULT</c>.</param>
    /// <param name="cancellation">Gives the request up; the session may end all the same.</param>
    /// <exception cref="AgentCoreException">The server refused, with its message (404: there is no such session), or cannot be reached.</exception>
    public async Task StopSessionAsync(string runtimeArn, string sessionId, string? qualifier = null, CancellationToken cancellation = default)
    {
        CheckSessionId(sessionId);
        var uri = RuntimeUri(runtimeArn, "/stopruntimesession", Qualifier(qualifier));
        using var response = await PostAsync(uri, RegionOf(runtimeArn), sessionId, [], cancellation).ConfigureAwait(false);
    }

    /// <summary>Closes the idle connections. Shells that are open are not touched.</summary>
    public void Dispose()
    {
        _requests.Dispose();
        Upgrades.Dispose();
        _connections.Dispose();
    }

    /// <summary>The address of an operation on a runtime.</summary>
    internal Uri RuntimeUri(string runtimeArn, string operation, IReadOnlyList<Header> query)
    {
        ArgumentException.ThrowIfNullOrEmpty(runtimeArn);
        return ServerUri(RegionOf(runtimeArn), $"/runtimes/{PercentEncoding.Encode(runtimeArn)}{operation}{Search(query)}");
    }

    private static string Search(IReadOnlyList<Header> query) =>
        query.Count == 0 ? "" : $"?{string.Join('&', query.Select(static pair => $"{PercentEncoding.Encode(pair.Key)}={PercentEncoding.Encode(pair.Value)}"))}";

    /// <summary>A runtime lives in the region that its ARN says, whatever the environment prefers.</summary>
    internal string RegionOf(string runtimeArn) => RuntimeArn.TryParse(runtimeArn, out var arn) ? arn.Region : Region;

    internal static Uri WebSocketUri(Uri http) => new((http.Scheme == Uri.UriSchemeHttps ? "wss" : "ws") + http.AbsoluteUri[http.Scheme.Length..]);

    internal static AgentCoreException Unreachable(Uri uri, Exception e) =>
        new($"{uri.GetLeftPart(UriPartial.Authority)} cannot be reached: {e.GetBaseException().Message}", e);

    private string Region => _options.Region ?? AwsEnvironment.Process.Region ?? DefaultRegion;

    private Uri ServerUri(string region, string pathAndQuery)
    {
        var server = _endpoint()?.AbsoluteUri.TrimEnd('/') ?? $"https://bedrock-agentcore.{region}.amazonaws.com";
        return new Uri(server + pathAndQuery);
    }

    private static MediaTypeHeaderValue ContentType(string text) =>
        MediaTypeHeaderValue.TryParse(text, out var type) ? type : throw new AgentCoreException($"'{text}' is no content type.");

    private static IReadOnlyList<Header> Qualifier(string? qualifier) => qualifier is null ? [] : [new("qualifier", qualifier)];

    private static void CheckSessionId(string? sessionId)
    {
        if (sessionId is null || SessionId.IsValid(sessionId)) return;
        throw new AgentCoreException(
            $"'{sessionId}' is no session id: {SessionId.MinLength} to {SessionId.MaxLength} letters, digits, '_' or '-', the first a letter or digit.");
    }

    private Task<HttpResponseMessage> PostAsync(Uri uri, string region, string sessionId, byte[] body, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, uri, region, [new(SessionId.HeaderName, sessionId)], body, cancellation);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri uri, string region, IReadOnlyList<Header> headers, byte[]? body, CancellationToken cancellation,
        string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(method, uri);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = ContentType(contentType);
        }

        var hash = SigV4.Sha256Hex(body ?? []);
        foreach (var (name, value) in RequestSigning.Headers(Authentication, method.Method, uri, region, headers, hash, Time.GetUtcNow()))
            request.Headers.TryAddWithoutValidation(name, value);

        HttpResponseMessage response;
        try
        {
            response = await _requests.SendAsync(request, cancellation).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(uri, e);
        }

        if (response.IsSuccessStatusCode) return response;
        using (response)
            throw await ErrorAnswer.ReadAsync(response, cancellation).ConfigureAwait(false);
    }
}
