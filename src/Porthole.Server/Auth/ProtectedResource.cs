using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth.Tokens;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Auth;

/// <summary>What RFC 9728 lets a client read, before it has a token, about who gives tokens for a runtime.</summary>
internal static class ProtectedResource
{
    private const string MetadataPath = "/.well-known/oauth-protected-resource";

    /// <summary>Where the metadata of a runtime is, by the name that the client knows this server by.</summary>
    /// <param name="request">The request to it.</param>
    /// <param name="publicUrl">The name that the operator gave this server instead, if any.</param>
    /// <param name="name">The runtime.</param>
    public static string MetadataUrl(HttpRequest request, Uri? publicUrl, DeploymentName name) =>
        $"{Url(request, publicUrl, name)}{MetadataPath}?qualifier={PercentEncoding.Encode(name.Qualifier)}";

    /// <summary>The metadata.</summary>
    /// <param name="request">The request for it.</param>
    /// <param name="publicUrl">The name that the operator gave this server instead of the client's, if any.</param>
    /// <param name="name">The runtime.</param>
    /// <param name="rules">Whose tokens it takes.</param>
    public static byte[] Metadata(HttpRequest request, Uri? publicUrl, DeploymentName name, CustomJwtAuthorizer rules)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("resource"u8, Url(request, publicUrl, name));

            // OpenID Connect Discovery section 4.1: the issuer is what the document's well-known path is added to.
            WriteTexts(json, "authorization_servers", [rules.DiscoveryUrl.Replace(IssuerDocuments.DiscoverySuffix, "", StringComparison.Ordinal)]);
            WriteTexts(json, "bearer_methods_supported", ["header"]);
            if (rules.AllowedScopes is { Count: > 0 } scopes) WriteTexts(json, "scopes_supported", scopes);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    // Headers that a proxy adds about the client's scheme could come from the client as well, so they are not asked.
    private static string Url(HttpRequest request, Uri? publicUrl, DeploymentName name) =>
        $"{publicUrl?.GetLeftPart(UriPartial.Authority) ?? $"{request.Scheme}://{request.Host}"}/runtimes/{PercentEncoding.Encode(name.Runtime.ToString())}/invocations";

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
