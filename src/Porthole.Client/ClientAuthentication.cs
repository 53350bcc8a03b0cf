using Porthole.Protocol.Aws;

namespace Porthole.Client;

/// <summary>Who a client says it is. Asked anew for every request, so that a reconnect hours later uses keys that are still good.</summary>
public sealed class ClientAuthentication
{
    private ClientAuthentication(Func<SigV4Credentials>? credentials, Func<string>? bearerToken) => (Credentials, BearerToken) = (credentials, bearerToken);

    /// <summary>An access key from <c>AWS_ACCESS_KEY_ID</c> and its siblings, or else from the shared credentials file.</summary>
    public static ClientAuthentication FromEnvironment { get; } = new(AwsEnvironment.Process.Credentials, null);

    /// <summary>Signs with signature version 4.</summary>
    /// <param name="credentials">Gives the access key; called for every request.</param>
    public static ClientAuthentication AccessKey(Func<SigV4Credentials> credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        return new(credentials, null);
    }

    /// <summary>Signs with signature version 4.</summary>
    /// <param name="credentials">The access key.</param>
    public static ClientAuthentication AccessKey(SigV4Credentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        return new(() => credentials, null);
    }

    /// <summary>Sends a token of the runtime's identity provider.</summary>
    /// <param name="token">Gives the token; called for every request.</param>
    public static ClientAuthentication Bearer(Func<string> token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return new(null, token);
    }

    internal Func<SigV4Credentials>? Credentials { get; }

    internal Func<string>? BearerToken { get; }
}
