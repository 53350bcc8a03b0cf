using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Porthole.Server.Store;

namespace Porthole.Server.Tls;

/// <summary>
/// A certificate authority of the data directory's own, in <c>tls/</c>. Only clients that are pointed at it trust it, so whoever has its key
/// can deceive those and nobody else.
/// </summary>
internal sealed class PrivateAuthority
{
    /// <summary>How long a server's certificate is good, and how long before its end another one is made.</summary>
    internal static readonly TimeSpan Lifetime = TimeSpan.FromDays(90), RenewBefore = TimeSpan.FromDays(30);

    // For clients whose clocks are behind.
    private static readonly TimeSpan Backdating = TimeSpan.FromHours(1);
    private const int AuthorityYears = 10;

    // Where distributions keep the authorities that everybody trusts.
    private static readonly string[] SystemBundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

    private readonly string _directory;
    private readonly TimeProvider _time;

    /// <summary>Opens the authority of a data directory; nothing is made yet.</summary>
    internal PrivateAuthority(DataDirectory data, TimeProvider time)
    {
        (_directory, _time) = (Path.Combine(data.FullPath, "tls"), time);
        Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>The authority's certificate, for clients that add it to those they trust.</summary>
    internal string CertificatePath => Path.Combine(_directory, "ca.pem");

    /// <summary>The same together with the system's own, for clients that can be told of one file only.</summary>
    internal string BundlePath => Path.Combine(_directory, "bundle.pem");

    /// <summary>The server's certificate with its key: the one there is, or a new one when that is not for these names or ends soon.</summary>
    /// <param name="names">Host names and IP addresses.</param>
    internal X509Certificate2 CertificateFor(IReadOnlyList<string> names)
    {
        using var authority = LoadOrMake();
        var (certificatePath, keyPath) = (Path.Combine(_directory, "server.pem"), Path.Combine(_directory, "server.key"));
        if (TryLoad(certificatePath, keyPath) is { } existing)
        {
            if (existing.NotAfter.ToUniversalTime() - RenewBefore > Now && IsFor(existing, names) && existing.IssuerName.RawData.AsSpan().SequenceEqual(authority.SubjectName.RawData))
                return existing;
            existing.Dispose();
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Request(key, names, authority).Create(authority, Now - Backdating, Now + Lifetime, RandomNumberGenerator.GetBytes(16));
        Write(certificatePath, keyPath, signed, key);
        return signed.CopyWithPrivateKey(key);
    }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    private X509Certificate2 LoadOrMake()
    {
        var keyPath = Path.Combine(_directory, "ca.key");
        var authority = TryLoad(CertificatePath, keyPath);
        if (authority is not null && authority.NotAfter.ToUniversalTime() < Now + Lifetime)
        {
            authority.Dispose();
            authority = null;
        }

        authority ??= Make(keyPath);
        var system = SystemBundles.FirstOrDefault(File.Exists);
        OwnerFile.Replace(BundlePath, Encoding.UTF8.GetBytes((system is null ? "" : File.ReadAllText(system) + "\n") + authority.ExportCertificatePem() + "\n"));
        return authority;
    }

    private X509Certificate2 Make(string keyPath)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        // A name of its own: two authorities of one name would be taken for one.
        var name = new X500DistinguishedName($"CN=Porthole {Environment.MachineName} {RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var made = request.CreateSelfSigned(Now - Backdating, Now.AddYears(AuthorityYears));
        Write(CertificatePath, keyPath, made, key);
        return TryLoad(CertificatePath, keyPath)!;
    }

    private static CertificateRequest Request(ECDsa key, IReadOnlyList<string> names, X509Certificate2 authority)
    {
        var request = new CertificateRequest("CN=porthole", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address)) alternatives.AddIpAddress(address);
            else alternatives.AddDnsName(name);
        }

        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        return request;
    }

    private static bool IsFor(X509Certificate2 certificate, IReadOnlyList<string> names)
    {
        var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        if (alternatives is null) return false;
        var known = alternatives.EnumerateDnsNames().Concat(alternatives.EnumerateIPAddresses().Select(static address => address.ToString())).ToHashSet();
        return names.All(name => known.Contains(IPAddress.TryParse(name, out var address) ? address.ToString() : name));
    }

    private static X509Certificate2? TryLoad(string certificatePath, string keyPath)
    {
        try
        {
            return File.Exists(certificatePath) && File.Exists(keyPath) ? X509Certificate2.CreateFromPemFile(certificatePath, keyPath) : null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // Half a pair, from a crash between the two files: another one is made.
            return null;
        }
    }

    private static void Write(string certificatePath, string keyPath, X509Certificate2 certificate, ECDsa key)
    {
        OwnerFile.Replace(keyPath, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        OwnerFile.Replace(certificatePath, Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n"));
    }
}
