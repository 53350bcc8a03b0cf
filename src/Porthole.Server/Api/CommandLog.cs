using Microsoft.Extensions.Logging;

namespace Porthole.Server.Api;

/// <summary>Every log line of commands. Never what they print.</summary>
internal static partial class CommandLog
{
    [LoggerMessage(40, LogLevel.Information, "Request {RequestId}: the client left before its command ended; the command is being ended")]
    public static partial void ClientLeft(ILogger log, string requestId);
}
