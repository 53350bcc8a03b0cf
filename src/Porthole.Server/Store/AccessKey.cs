using System.Security.Cryptography;
using Porthole.Protocol.Aws;

namespace Porthole.Server.Store;

/// <summary>
/// An access key. The secret is kept as it is, since verifying a signature needs it; what protects it is that only the server's user can
/// read the store.
/// </summary>
public sealed class AccessKey
{
    /// <summary>The public id.</summary>
    public required string AccessKeyId { get; init; }

    /// <summary>The secret. Never log it.</summary>
    public required string SecretAccessKey { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>What it is for, for people.</summary>
    public string? Name { get; set; }

    /// <summary>What it may do, as an IAM policy in JSON; null for everything, as the first key may.</summary>
    public string? Policy { get; set; }

    /// <summary>When it was revoked; null while it works.</summary>
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>The key as a client uses it.</summary>
    public SigV4Credentials ToCredentials() => new(AccessKeyId, SecretAccessKey);

    /// <summary>The public id only.</summary>
    public override string ToString() => AccessKeyId;

    // As long as AWS's own (20 and 40 characters), with another prefix, so that nobody's leak scanner takes one for the other.
    internal static AccessKey New(DateTimeOffset now) => new()
    {
        AccessKeyId = "PHKA" + RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
        SecretAccessKey = RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 40),
        CreatedAt = now,
    };
}
