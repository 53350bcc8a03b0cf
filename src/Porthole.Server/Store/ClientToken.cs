namespace Porthole.Server.Store;

/// <summary>Remembers a request by the token that its client gave it, so that a repetition does nothing again (contract section 12.1).</summary>
public sealed class ClientToken
{
    /// <summary>The operation's name.</summary>
    public required string Operation { get; init; }

    /// <summary>The token.</summary>
    public required string Token { get; init; }

    /// <summary>SHA-256 of the request, in hex: the same token with another request is a mistake.</summary>
    public required string RequestSha256 { get; init; }

    /// <summary>What was answered, as JSON; a repetition gets the same.</summary>
    public required string Answer { get; init; }

    /// <summary>When it came.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
