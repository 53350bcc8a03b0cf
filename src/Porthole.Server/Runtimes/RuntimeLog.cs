using Microsoft.Extensions.Logging;

namespace Porthole.Server.Runtimes;

/// <summary>Every log line of runtimes.</summary>
internal static partial class RuntimeLog
{
    [LoggerMessage(130, LogLevel.Information, "Runtime {RuntimeId}: version {Version} is ready")]
    public static partial void Ready(ILogger log, string runtimeId, int version);

    [LoggerMessage(131, LogLevel.Warning, "Runtime {RuntimeId}: version {Version} failed: {Reason}")]
    public static partial void NotReady(ILogger log, string runtimeId, int version, string reason);

    [LoggerMessage(132, LogLevel.Information, "Runtime {RuntimeId}: deleted")]
    public static partial void Deleted(ILogger log, string runtimeId);

    [LoggerMessage(133, LogLevel.Error, "Runtime {RuntimeId}: its state could not be brought forward; the next try is in {Delay}")]
    public static partial void SettlingFailed(ILogger log, string runtimeId, TimeSpan delay, Exception exception);

    [LoggerMessage(134, LogLevel.Error, "Runtime {RuntimeId}: version {Version} could not be prepared")]
    public static partial void PreparationFailed(ILogger log, string runtimeId, int version, Exception exception);
}
