namespace Porthole.Protocol.Aws;

/// <summary>An access key, as a client holds it.</summary>
/// <param name="AccessKeyId">The key's public id.</param>
/// <param name="SecretAccessKey">The secret; <see cref="ToString"/> leaves it out.</param>
/// <param name="SessionToken">The token of temporary credentials, or null.</param>
public sealed record SigV4Credentials(string AccessKeyId, string SecretAccessKey, string? SessionToken = null)
{
    /// <summary>The public id only, so that a logged object gives nothing away.</summary>
    public override string ToString() => AccessKeyId;
}
