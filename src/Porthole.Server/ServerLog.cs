using Microsoft.Extensions.Logging;

namespace Porthole.Server;

/// <summary>Every log line of the server's own start and end.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(80, LogLevel.Information, "Ready on {Endpoints} with data directory {DataDirectory}")]
    public static partial void Ready(ILogger log, string endpoints, string dataDirectory);

    [LoggerMessage(81, LogLevel.Warning, "{Warning}")]
    public static partial void Warning(ILogger log, string warning);

    [LoggerMessage(82, LogLevel.Information, "{Progress}")]
    public static partial void Progress(ILogger log, string progress);
}
