using Porthole.Protocol.Aws;

namespace Porthole.Client;

/// <summary>What the environment says about where the service is and who asks, by the names that the official clients use.</summary>
/// <param name="variable">Looks an environment variable up; null when it is not set.</param>
internal sealed class AwsEnvironment(Func<string, string?> variable)
{
    // The first two are the official names; the last is ours, for a shell that must not redirect AWS's own tools.
    private static readonly string[] EndpointNames = ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT", "PORTHOLE_ENDPOINT"];

    private static readonly string[] ControlEndpointNames = ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL", "PORTHOLE_ENDPOINT"];

    internal static AwsEnvironment Process { get; } = new(Environment.GetEnvironmentVariable);

    internal string? Region => Value("AWS_REGION") ?? Value("AWS_DEFAULT_REGION");

    internal Uri? Endpoint() => First(EndpointNames);

    internal Uri? ControlEndpoint() => First(ControlEndpointNames);

    private Uri? First(string[] names)
    {
        foreach (var name in names)
        {
            if (Value(name) is not { } text) continue;
            return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
                ? uri
                : throw new AgentCoreException($"{name} is '{text}', which is no http:// or https:// address.");
        }

        return null;
    }

    /// <summary>Looks for an access key as the official clients do: the environment, then the shared file.</summary>
    internal SigV4Credentials Credentials()
    {
        if (Value("AWS_ACCESS_KEY_ID") is { } id && Value("AWS_SECRET_ACCESS_KEY") is { } secret)
            return new SigV4Credentials(id, secret, Value("AWS_SESSION_TOKEN"));

        var path = Value("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(Value("HOME") ?? "/", ".aws", "credentials");
        if (!File.Exists(path))
        {
            throw new AgentCoreException(
                $"No access key found: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and there is no file {path}.");
        }

        return SharedCredentialsFile.Read(path, Value("AWS_PROFILE") ?? Value("AWS_DEFAULT_PROFILE") ?? "default");
    }

    private string? Value(string name) => variable(name) is { Length: > 0 } value ? value : null;
}
