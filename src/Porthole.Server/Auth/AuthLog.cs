using Microsoft.Extensions.Logging;

namespace Porthole.Server.Auth;

/// <summary>Every line that authentication and authorization log. No line has a secret, a signature or a token in it.</summary>
internal static partial class AuthLog
{
    [LoggerMessage(200, LogLevel.Error, "The access keys cannot be read from the store; the last ones known stay in force")]
    internal static partial void KeysUnreadable(ILogger logger, Exception cause);

    [LoggerMessage(201, LogLevel.Error, "The policy of the access key {AccessKeyId} is not understood, so the key may do nothing: {Reason}")]
    internal static partial void PolicyNotUnderstood(ILogger logger, string accessKeyId, string reason);

    [LoggerMessage(202, LogLevel.Error, "The policy of {ResourceArn} is not understood, so nobody may use the resource: {Reason}")]
    internal static partial void ResourcePolicyNotUnderstood(ILogger logger, string resourceArn, string reason);

    [LoggerMessage(203, LogLevel.Information, "Access key {AccessKeyId} was made by {Principal}")]
    internal static partial void KeyMade(ILogger logger, string accessKeyId, string principal);

    [LoggerMessage(204, LogLevel.Information, "Access key {AccessKeyId} was revoked by {Principal}; {Connections} open shells were closed")]
    internal static partial void KeyRevoked(ILogger logger, string accessKeyId, string principal, int connections);

    [LoggerMessage(205, LogLevel.Error, "The identity provider cannot be asked for its keys, so {Consequence}: {Reason} (discovery URL {DiscoveryUrl})")]
    internal static partial void IssuerUnknown(ILogger logger, string discoveryUrl, string consequence, string reason);

    [LoggerMessage(206, LogLevel.Warning, "Request {RequestId}: its token cannot be checked, because the keys of {DiscoveryUrl} are not known")]
    internal static partial void TokenUnchecked(ILogger logger, string requestId, string discoveryUrl);
}
