using Microsoft.Extensions.Logging;

namespace Porthole.Server.Shells;

/// <summary>Every log line of the relay. Never content, never headers.</summary>
internal static partial class ShellLog
{
    [LoggerMessage(1, LogLevel.Warning, "Shell {ShellId}: the guest broke the link protocol: {Problem}")]
    public static partial void GuestBrokeProtocol(ILogger log, string shellId, string problem);

    [LoggerMessage(2, LogLevel.Error, "Shell {ShellId}: the relay failed")]
    public static partial void RelayFailed(ILogger log, string shellId, Exception exception);

    [LoggerMessage(3, LogLevel.Information, "Shell {ShellId} of session {SessionId}: connection ended with {CloseCode} ({Reason})")]
    public static partial void Closed(ILogger log, string shellId, string sessionId, int closeCode, string reason);

    [LoggerMessage(4, LogLevel.Error, "Shell {ShellId}: could not be attached")]
    public static partial void AttachFailed(ILogger log, string shellId, Exception exception);

    [LoggerMessage(5, LogLevel.Warning, "Shell {ShellId}: could not be attached: {Reason}")]
    public static partial void AttachRefused(ILogger log, string shellId, string reason);
}
