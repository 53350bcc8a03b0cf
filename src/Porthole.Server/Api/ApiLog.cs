using Microsoft.Extensions.Logging;

namespace Porthole.Server.Api;

/// <summary>Every log line of the HTTP API.</summary>
internal static partial class ApiLog
{
    [LoggerMessage(60, LogLevel.Error, "Request {RequestId}: failed")]
    public static partial void Failed(ILogger log, string requestId, Exception exception);
}
