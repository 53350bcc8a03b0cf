using Microsoft.Extensions.Logging;

namespace Porthole.Server.Audit;

/// <summary>Every line that the audit trail logs.</summary>
internal static partial class AuditLog
{
    [LoggerMessage(120, LogLevel.Error, "The audit trail cannot be written to {Directory}; its lines wait in memory. Calls go on. Check the disk's free space and permissions")]
    public static partial void WriteFailed(ILogger log, Exception cause, string directory);

    [LoggerMessage(121, LogLevel.Information, "The audit trail is written to {Directory} again")]
    public static partial void WriteRecovered(ILogger log, string directory);

    [LoggerMessage(122, LogLevel.Error, "{Bytes} bytes of the audit trail wait to be written, which is the bound: from here on its lines are lost")]
    public static partial void Dropping(ILogger log, int bytes);

    [LoggerMessage(123, LogLevel.Error, "{Count} lines of the audit trail were lost, because too many waited to be written")]
    public static partial void Dropped(ILogger log, long count);

    [LoggerMessage(124, LogLevel.Error, "The server stops and {Count} lines of the audit trail cannot be written")]
    public static partial void Lost(ILogger log, int count);
}
