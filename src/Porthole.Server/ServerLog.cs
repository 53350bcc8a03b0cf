using System.Net;
using Microsoft.Extensions.Logging;

namespace Porthole.Server;

/// <summary>Every log line of the server's own start and end.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(80, LogLevel.Information, "Ready on {Endpoints} with data directory {DataDirectory}")]
    public static partial void Ready(ILogger log, string endpoints, string dataDirectory);

    [LoggerMessage(82, LogLevel.Information, "A new certificate is shown from now on; it is good until {NotAfter:u}")]
    public static partial void CertificateReplaced(ILogger log, DateTime notAfter);

    [LoggerMessage(83, LogLevel.Error, "The certificate cannot be renewed, the last one stays in use: {Reason}")]
    public static partial void CertificateNotReplaced(ILogger log, string reason);

    [LoggerMessage(84, LogLevel.Debug, "{Client} did not get through the TLS handshake: {Reason}")]
    public static partial void HandshakeFailed(ILogger log, EndPoint? client, string reason);

    [LoggerMessage(81, LogLevel.Warning, "{Warning}")]
    public static partial void Warning(ILogger log, string warning);

    [LoggerMessage(82, LogLevel.Information, "{Progress}")]
    public static partial void Progress(ILogger log, string progress);
}
