using System.Security.Cryptography.X509Certificates;
using Porthole.Server.Store;
using Porthole.Server.Tls;

namespace Porthole.Server.Tests.Tls;

public sealed class PrivateAuthorityTests : IDisposable
{
    private static readonly string[] Names = ["localhost", "127.0.0.1", "::1", "bedrock-agentcore.us-east-1.amazonaws.com"];

    private readonly TemporaryDirectory _temporary = new();
    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);

    public void Dispose() => _temporary.Dispose();

    private PrivateAuthority Open() => new(DataDirectory.Create(_temporary.Path), _time);

    private string FileOf(string name) => Path.Combine(_temporary.Path, "tls", name);

    private bool IsTrusted(X509Certificate2 certificate, string authorityPath)
    {
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.ImportFromPemFile(authorityPath);
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        return chain.Build(certificate);
    }

    [Fact]
    public void A_certificate_is_trusted_through_the_authority_for_each_of_its_names()
    {
        var authority = Open();
        using var certificate = authority.CertificateFor(Names);
        Assert.True(certificate.HasPrivateKey);
        Assert.All(Names, name => Assert.True(certificate.MatchesHostname(name, allowCommonName: false), name));
        Assert.False(certificate.MatchesHostname("bedrock-agentcore.eu-west-1.amazonaws.com", allowCommonName: false));
        Assert.True(IsTrusted(certificate, authority.CertificatePath));
        Assert.True(IsTrusted(certificate, authority.BundlePath));
    }

    [Fact]
    public void Nobody_but_the_owner_reads_the_keys()
    {
        using var certificate = Open().CertificateFor(Names);
        Assert.All(["ca.key", "server.key"], name => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FileOf(name))));
        Assert.DoesNotContain("PRIVATE KEY", File.ReadAllText(FileOf("ca.pem")) + File.ReadAllText(FileOf("bundle.pem")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_certificate_serves_until_it_ends_soon_or_lacks_a_name()
    {
        using var first = Open().CertificateFor(Names);
        using var again = Open().CertificateFor(Names);
        Assert.Equal(first.Thumbprint, again.Thumbprint);

        using var wider = Open().CertificateFor([.. Names, "other.example"]);
        Assert.NotEqual(first.Thumbprint, wider.Thumbprint);
        Assert.True(wider.MatchesHostname("other.example", allowCommonName: false));

        var authority = File.ReadAllText(FileOf("ca.pem"));
        _time.Advance(PrivateAuthority.Lifetime - PrivateAuthority.RenewBefore + TimeSpan.FromDays(1));
        using var renewed = Open().CertificateFor(Names);
        Assert.NotEqual(wider.Thumbprint, renewed.Thumbprint);
        Assert.True(IsTrusted(renewed, FileOf("ca.pem")));
        Assert.Equal(authority, File.ReadAllText(FileOf("ca.pem")));
    }

    [Fact]
    public void A_key_that_does_not_belong_to_its_certificate_is_replaced_with_it()
    {
        using var first = Open().CertificateFor(Names);
        File.Copy(FileOf("ca.key"), FileOf("server.key"), overwrite: true);
        using var second = Open().CertificateFor(Names);
        Assert.NotEqual(first.Thumbprint, second.Thumbprint);
        Assert.True(IsTrusted(second, FileOf("ca.pem")));
    }

    [Fact]
    public void The_names_are_those_of_this_host_of_the_addresses_and_of_AWS()
    {
        var names = CertificateNames.Of(new ServerOptions
        {
            DataDirectory = "/",
            Region = "eu-west-1",
            ListenUrls = ["https://192.0.2.7:443", "https://*:8443", "https://porthole.example", "http://[2001:db8::1]:80"],
            Tls = new TlsOptions { Names = ["*.more.example", "not a name"] },
        });
        Assert.Equal(
            ["localhost", "127.0.0.1", "::1"], names.Take(3));
        Assert.Contains(Environment.MachineName.ToLowerInvariant(), names);
        Assert.All(
            ["192.0.2.7", "porthole.example", "2001:db8::1", "bedrock-agentcore.eu-west-1.amazonaws.com", "bedrock-agentcore-control.eu-west-1.amazonaws.com", "*.more.example"],
            name => Assert.Contains(name, names));
        Assert.DoesNotContain("not a name", names);
    }
}
