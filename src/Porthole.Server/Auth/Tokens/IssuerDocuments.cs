using System.Net;
using System.Text.Json;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Porthole.Server.Auth.Tokens;

/// <summary>
/// Fetches what issuers say of themselves. They are strangers: time and size are bounded, redirects are not followed, and plain http is for
/// issuers on this host only.
/// </summary>
internal sealed class IssuerDocuments : IDisposable
{
    /// <summary>What a discovery URL ends in (contract section 3.5).</summary>
    internal const string DiscoverySuffix = "/.well-known/openid-configuration";

    // A discovery document has 2 to 5 KB, a set of ten keys with certificates 20.
    internal const int MaxBytes = 256 * 1024;

    private readonly HttpClient _http;

    /// <summary>Makes a fetcher.</summary>
    /// <param name="patience">The longest time of one document; 5 s is what a client waits for without wondering.</param>
    internal IssuerDocuments(TimeSpan? patience = null) => _http = new HttpClient(
        new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
    {
        MaxResponseContentBufferSize = MaxBytes,
        Timeout = patience ?? TimeSpan.FromSeconds(5),
    };

    /// <summary>Whether a URL may be fetched from: https, or http on this host.</summary>
    internal static bool IsAllowed(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));

    /// <summary>Fetches the discovery document and the key set that it names.</summary>
    /// <exception cref="IssuerException">One of them cannot be had, or is none.</exception>
    internal async Task<Issuer> FetchAsync(string discoveryUrl)
    {
        var configuration = Read(discoveryUrl, await FetchTextAsync(discoveryUrl), static text => OpenIdConnectConfiguration.Create(text));
        if (string.IsNullOrEmpty(configuration.Issuer) || string.IsNullOrEmpty(configuration.JwksUri))
            throw new IssuerException($"{discoveryUrl} names no issuer or no jwks_uri.");
        var keys = Read(configuration.JwksUri, await FetchTextAsync(configuration.JwksUri), static text => new JsonWebKeySet(text).GetSigningKeys());

        // A shared secret among public keys would let everybody sign.
        return new Issuer(configuration.Issuer, [.. keys.Where(static key => key is not SymmetricSecurityKey)]);
    }

    public void Dispose() => _http.Dispose();

    private async Task<string> FetchTextAsync(string url)
    {
        if (!IsAllowed(url)) throw new IssuerException($"{url} is neither an https:// address nor an http:// address of this host.");
        try
        {
            using var response = await _http.GetAsync(new Uri(url));
            if (response.StatusCode != HttpStatusCode.OK) throw new IssuerException($"{url} answered {(int)response.StatusCode}.");
            return await response.Content.ReadAsStringAsync();
        }
        catch (OperationCanceledException e)
        {
            throw new IssuerException($"{url} did not answer within {_http.Timeout.TotalSeconds:0.#} s.", e);
        }
        catch (Exception e) when (e is HttpRequestException or InvalidOperationException)
        {
            throw new IssuerException($"{url} cannot be fetched: {e.Message}", e);
        }
    }

    // The library reports what it cannot read by several types.
    private static T Read<T>(string url, string text, Func<string, T> read)
    {
        try
        {
            return read(text);
        }
        catch (Exception e) when (e is ArgumentException or JsonException or FormatException or InvalidOperationException or SecurityTokenException)
        {
            throw new IssuerException($"{url} is not what it should be: {e.Message}", e);
        }
    }
}
