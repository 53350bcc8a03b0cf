using Microsoft.IdentityModel.Tokens;

namespace Porthole.Server.Auth.Tokens;

/// <summary>An OpenID Connect issuer, as its discovery document and its key set describe it.</summary>
/// <param name="Name">What its tokens have as <c>iss</c>.</param>
/// <param name="Keys">The keys that it signs with.</param>
internal sealed record Issuer(string Name, IReadOnlyList<SecurityKey> Keys);

/// <summary>What an issuer says of itself cannot be had; the message says why.</summary>
internal sealed class IssuerException(string message, Exception? cause = null) : Exception(message, cause);
