using Microsoft.Extensions.Logging;

namespace Porthole.Server.Store;

/// <summary>Every line that the store logs. No line has a secret in it.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(100, LogLevel.Information, "Made the first access key, {AccessKeyId}. Its secret is in the store; 'porthole env' prints it")]
    internal static partial void MadeAccessKey(ILogger logger, string accessKeyId);

    [LoggerMessage(101, LogLevel.Information, "Made the runtime {Arn}")]
    internal static partial void MadeRuntime(ILogger logger, string arn);

    [LoggerMessage(102, LogLevel.Warning, "The store {Path} was readable by others (mode {Mode}); it holds secrets and is now readable by its owner only")]
    internal static partial void TightenedMode(ILogger logger, string path, UnixFileMode mode);

    [LoggerMessage(103, LogLevel.Warning, "{Count} shell connections had no end; the server that had them was gone without a word")]
    internal static partial void ClosedLostConnections(ILogger logger, int count);

    [LoggerMessage(110, LogLevel.Error, "Records cannot be written to {Path}; {Waiting} wait in memory, the next try is in {Delay}. Sessions and shells go on. Check the disk's free space and permissions")]
    internal static partial void WriteFailed(ILogger logger, Exception cause, string path, int waiting, TimeSpan delay);

    [LoggerMessage(111, LogLevel.Information, "Records are written to {Path} again")]
    internal static partial void WriteRecovered(ILogger logger, string path);

    [LoggerMessage(112, LogLevel.Error, "Not stored, because {Waiting} records wait already: {Record}")]
    internal static partial void QueueFull(ILogger logger, int waiting, string record);

    [LoggerMessage(113, LogLevel.Error, "Not stored: {Record}")]
    internal static partial void RecordRefused(ILogger logger, Exception cause, string record);

    [LoggerMessage(114, LogLevel.Error, "The server stops and this is not stored: {Record}")]
    internal static partial void RecordLost(ILogger logger, string record);
}
