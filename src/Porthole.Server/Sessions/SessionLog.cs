using Microsoft.Extensions.Logging;

namespace Porthole.Server.Sessions;

/// <summary>Every log line of the session life cycle.</summary>
internal static partial class SessionLog
{
    [LoggerMessage(20, LogLevel.Information, "Session {SessionId}: starting")]
    public static partial void Starting(ILogger log, string sessionId);

    [LoggerMessage(21, LogLevel.Error, "Session {SessionId}: could not start")]
    public static partial void StartFailed(ILogger log, string sessionId, Exception exception);

    [LoggerMessage(22, LogLevel.Warning, "Session {SessionId}: its sandbox has ended by itself")]
    public static partial void Died(ILogger log, string sessionId);

    [LoggerMessage(23, LogLevel.Information, "Session {SessionId}: ended ({Reason})")]
    public static partial void Ended(ILogger log, string sessionId, string reason);

    [LoggerMessage(24, LogLevel.Error, "Session {SessionId}: could not be cleared away completely")]
    public static partial void EndFailed(ILogger log, string sessionId, Exception exception);

    [LoggerMessage(25, LogLevel.Information, "Session {SessionId}: adopted from the server before, with {Shells} shells")]
    public static partial void Adopted(ILogger log, string sessionId, int shells);

    [LoggerMessage(26, LogLevel.Warning, "Session {SessionId}: its sandbox did not survive; it will be made afresh on next use ({Why})")]
    public static partial void WasDead(ILogger log, string sessionId, string why);

    [LoggerMessage(28, LogLevel.Warning, "Session {SessionId}: adopted from the server before, but its guest does not answer: {Problem}. If that stays so, stop the session")]
    public static partial void AdoptedUnmet(ILogger log, string sessionId, string problem);

    [LoggerMessage(29, LogLevel.Information, "{Path}: stored by a session that did not come back, or whose runtime was deleted; removed")]
    public static partial void StorageRemoved(ILogger log, string path);

    [LoggerMessage(35, LogLevel.Warning, "{Path}: stored by a session that is gone, could not be removed: {Problem}")]
    public static partial void StorageNotRemoved(ILogger log, string path, string problem);

    [LoggerMessage(36, LogLevel.Information, "Session {SessionId}: suspended")]
    public static partial void Suspended(ILogger log, string sessionId);

    [LoggerMessage(37, LogLevel.Warning, "Session {SessionId}: could not be suspended: {Problem}")]
    public static partial void SuspendFailed(ILogger log, string sessionId, string problem);

    [LoggerMessage(38, LogLevel.Information, "Session {SessionId}: resumed")]
    public static partial void Resumed(ILogger log, string sessionId);

    [LoggerMessage(39, LogLevel.Warning, "Session {SessionId}: could not be resumed: {Problem}")]
    public static partial void ResumeFailed(ILogger log, string sessionId, string problem);

    [LoggerMessage(40, LogLevel.Information, "Session {SessionId}: is suspended, as the server before left it")]
    public static partial void AdoptedSuspended(ILogger log, string sessionId);

    [LoggerMessage(27, LogLevel.Warning, "{Directory}: an unknown session's, cleared away")]
    public static partial void ClearedUnknown(ILogger log, string directory);
}
