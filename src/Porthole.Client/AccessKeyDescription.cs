namespace Porthole.Client;

/// <summary>An access key of a Porthole server.</summary>
/// <param name="AccessKeyId">The public id.</param>
/// <param name="SecretAccessKey">The secret, in the answer that made the key and never again; null otherwise.</param>
/// <param name="Name">What it is for.</param>
/// <param name="Policy">What it may do, as an IAM policy in JSON; null for everything.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedAt">When it was revoked; null while it works.</param>
public sealed record AccessKeyDescription(
    string AccessKeyId, string? SecretAccessKey, string? Name, string? Policy, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt)
{
    /// <summary>The public id only.</summary>
    public override string ToString() => AccessKeyId;
}
