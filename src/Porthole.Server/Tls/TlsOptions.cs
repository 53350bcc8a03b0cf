namespace Porthole.Server;

/// <summary>How a server proves to clients of https who it is.</summary>
public sealed record TlsOptions
{
    /// <summary>A PEM file with the certificate, and those between it and its authority; null for one of the data directory's own authority.</summary>
    public string? Certificate { get; init; }

    /// <summary>A PEM file with the certificate's private key, not encrypted; with <see cref="Certificate"/>.</summary>
    public string? Key { get; init; }

    /// <summary>Host names and addresses that the own authority's certificate is for, beyond those that it is always for.</summary>
    public IReadOnlyList<string>? Names { get; init; }
}
