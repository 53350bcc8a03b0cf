using Porthole.Server.Auth.Policies;
using Porthole.Server.Store;

namespace Porthole.Server.Auth;

/// <summary>Who made a request, as a signature or a token proves it.</summary>
/// <param name="Principal">The access key's id, or the subject of the token.</param>
public abstract record Caller(string Principal)
{
    /// <summary>The caller in words, for refusals and records.</summary>
    public abstract string Description { get; }
}

/// <summary>The holder of an access key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Policy">What it may do; null for everything.</param>
/// <param name="SignedHeaders">Lower-case names of the headers that the signature covers.</param>
/// <param name="Presigned">Whether the signature was in the query.</param>
public sealed record AccessKeyCaller(AccessKey Key, Policy? Policy, IReadOnlyList<string> SignedHeaders, bool Presigned) : Caller(Key.AccessKeyId)
{
    /// <summary>The user name of the key's principal: keys of the same name are the same user's, as in IAM.</summary>
    public string UserName => Key.Name ?? Key.AccessKeyId;

    /// <inheritdoc/>
    public override string Description => $"The access key {Key.AccessKeyId}{(Key.Name is { } name ? $" ({name})" : "")}";

    /// <summary>
    /// Whether the signature covers a header. Others could have been changed on the way, so they may select among what is the caller's
    /// own, but grant nothing.
    /// </summary>
    /// <param name="header">The name in any case.</param>
    public bool Signed(string header) => SignedHeaders.Contains(header, StringComparer.OrdinalIgnoreCase);
}

/// <summary>The bearer of a token that a runtime's own authorizer took.</summary>
/// <param name="Issuer">Who issued the token.</param>
/// <param name="Subject">For whom, as the issuer says; its <c>client_id</c> when it names no subject.</param>
/// <param name="ClientId">The program that got the token, if it says so.</param>
public sealed record TokenCaller(string Issuer, string Subject, string? ClientId) : Caller(Subject)
{
    /// <inheritdoc/>
    public override string Description => $"The bearer of a token for '{Subject}' from {Issuer}";
}
