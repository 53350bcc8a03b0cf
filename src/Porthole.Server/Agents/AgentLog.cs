using Microsoft.Extensions.Logging;

namespace Porthole.Server.Agents;

/// <summary>Every log line about agents.</summary>
internal static partial class AgentLog
{
    [LoggerMessage(40, LogLevel.Warning, "Session {SessionId}: its agent is not running: {Why}. The next invocation starts it again; porthole logs shows what it printed")]
    public static partial void Ended(ILogger log, string sessionId, string why);

    [LoggerMessage(41, LogLevel.Information, "Request {RequestId}: the agent's answer broke off: {Why}")]
    public static partial void BrokeOff(ILogger log, string requestId, string why);

    [LoggerMessage(42, LogLevel.Information, "Request {RequestId}: the agent failed: {Why}")]
    public static partial void Failed(ILogger log, string requestId, string why);

    [LoggerMessage(43, LogLevel.Information, "Request {RequestId}: the WebSocket to the agent ended: {Why}")]
    public static partial void SocketClosed(ILogger log, string requestId, string why);
}
