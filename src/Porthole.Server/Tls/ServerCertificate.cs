using System.Net;
using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Porthole.Server.Tls;

/// <summary>
/// The certificate that the server shows at the moment. Looked at again every minute and on SIGHUP, so that files that were replaced and a
/// certificate that ends soon are noticed without a restart.
/// </summary>
internal sealed class ServerCertificate : IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMinutes(1);

    private readonly Func<SslStreamCertificateContext?> _load;
    private readonly Lock _loading = new();
    private readonly PosixSignalRegistration _hangUp;
    private readonly Timer _timer;
    private ILogger? _log;
    private volatile SslStreamCertificateContext _current;

    private ServerCertificate(Func<SslStreamCertificateContext?> load)
    {
        _load = load;
        _current = load()!;
        _timer = new Timer(_ => Look(), null, LookInterval, LookInterval);
        _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            Look();
        });
    }

    /// <summary>What a handshake that begins now needs.</summary>
    public SslServerAuthenticationOptions Options() =>
        new() { ServerCertificateContext = _current, ApplicationProtocols = [SslApplicationProtocol.Http11], AllowRenegotiation = false };

    /// <summary>Uses the certificate of two files.</summary>
    /// <exception cref="ConfigurationException">They cannot be read, or do not belong together.</exception>
    public static ServerCertificate OfFiles(string certificatePath, string keyPath)
    {
        (DateTime, DateTime) seen = default;
        return new ServerCertificate(() =>
        {
            var now = (File.GetLastWriteTimeUtc(certificatePath), File.GetLastWriteTimeUtc(keyPath));
            if (now == seen) return null;
            var loaded = Load(certificatePath, keyPath);
            seen = now;
            return loaded;
        });
    }

    /// <summary>Uses certificates of an authority, made anew when they end.</summary>
    public static ServerCertificate Of(PrivateAuthority authority, IReadOnlyList<string> names) =>
        new(() => SslStreamCertificateContext.Create(authority.CertificateFor(names), additionalCertificates: null, offline: true));

    /// <summary>Says from now on what is found and what is wrong.</summary>
    public void LogTo(ILogger log) => _log = log;

    /// <summary>Notes that a client could not be spoken to, which is rarely this server's fault.</summary>
    public void LogFailedHandshake(EndPoint? client, string reason)
    {
        if (_log is { } log)
            ServerLog.HandshakeFailed(log, client, reason);
    }

    public void Dispose()
    {
        _hangUp.Dispose();
        _timer.Dispose();
    }

    private static SslStreamCertificateContext Load(string certificatePath, string keyPath)
    {
        try
        {
            var certificate = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificatePath);
            return SslStreamCertificateContext.Create(certificate, chain, offline: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new ConfigurationException($"The certificate {certificatePath} with the key {keyPath} cannot be used: {e.Message} Both are PEM files, the key is not encrypted.");
        }
    }

    private void Look()
    {
        lock (_loading)
        {
            try
            {
                if (_load() is not { } next) return;
                var isNew = next.TargetCertificate.Thumbprint != _current.TargetCertificate.Thumbprint;
                if (isNew && _log is { } log) ServerLog.CertificateReplaced(log, next.TargetCertificate.NotAfter.ToUniversalTime());
                if (isNew) _current = next;
            }
            catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException or CryptographicException)
            {
                // A replacement under way, or a wrong one: what works is kept.
                if (_log is { } log) ServerLog.CertificateNotReplaced(log, e.Message);
            }
        }
    }
}
