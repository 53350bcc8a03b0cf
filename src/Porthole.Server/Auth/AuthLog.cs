using Microsoft.Extensions.Logging;

namespace Porthole.Server.Auth;

/// <summary>Every line that authentication logs. No line has a secret, a signature or a token in it.</summary>
internal static partial class AuthLog
{
    [LoggerMessage(200, LogLevel.Error, "The access keys cannot be read from the store; the last ones known stay in force")]
    internal static partial void KeysUnreadable(ILogger logger, Exception cause);
}
