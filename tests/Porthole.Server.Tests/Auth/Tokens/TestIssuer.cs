using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace Porthole.Server.Tests.Auth.Tokens;

/// <summary>An OpenID Connect issuer on loopback, honest until a test changes what it answers.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _fetches;

    private TestIssuer(WebApplication app) => _app = app;

    internal Uri Address { get; private set; } = null!;

    internal string Name => Address.AbsoluteUri.TrimEnd('/');

    internal string DiscoveryUrl => Name + "/.well-known/openid-configuration";

    /// <summary>The keys that it publishes, by their id.</summary>
    internal Dictionary<string, RSA> Keys { get; } = new() { ["first"] = RSA.Create(2048) };

    /// <summary>How often its keys were asked for.</summary>
    internal int Fetches => Volatile.Read(ref _fetches);

    /// <summary>What it answers instead of its keys.</summary>
    internal Func<HttpContext, Task>? InsteadOfKeys { get; set; }

    /// <summary>What it answers instead of its discovery document.</summary>
    internal Func<HttpContext, Task>? InsteadOfDiscovery { get; set; }

    internal static async Task<TestIssuer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var issuer = new TestIssuer(app);
        app.Run(issuer.AnswerAsync);
        await app.StartAsync();
        issuer.Address = new Uri(app.Urls.First());
        return issuer;
    }

    /// <summary>Signs as the issuer does, whatever is to be signed.</summary>
    internal string Sign(object claims, string kid = "first", string algorithm = "RS256", RSA? key = null)
    {
        var signed = $"{Part(new { alg = algorithm, typ = "JWT", kid })}.{Part(claims)}";
        var signature = (key ?? Keys[kid]).SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64UrlEncoder.Encode(signature)}";
    }

    internal static string Part(object part) => Base64UrlEncoder.Encode(part as string ?? JsonSerializer.Serialize(part));

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        foreach (var key in Keys.Values) key.Dispose();
    }

    internal string KeySet() => JsonSerializer.Serialize(new
    {
        keys = Keys.Select(static key =>
        {
            var parameters = key.Value.ExportParameters(false);
            return new { kty = "RSA", use = "sig", kid = key.Key, n = Base64UrlEncoder.Encode(parameters.Modulus), e = Base64UrlEncoder.Encode(parameters.Exponent) };
        }),
    });

    private Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path == "/keys")
        {
            Interlocked.Increment(ref _fetches);
            return InsteadOfKeys?.Invoke(context) ?? context.Response.WriteAsync(KeySet());
        }

        return InsteadOfDiscovery?.Invoke(context) ?? context.Response.WriteAsync(JsonSerializer.Serialize(new { issuer = Name, jwks_uri = Name + "/keys" }));
    }
}
