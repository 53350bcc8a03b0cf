namespace Porthole.Client;

/// <summary>How an agent is invoked.</summary>
public sealed record InvokeOptions
{
    /// <summary>The session whose agent is asked, 33 to 256 of letters, digits, <c>_</c> and <c>-</c>; null for a new one.</summary>
    public string? SessionId { get; init; }

    /// <summary>The runtime's endpoint; null for <c>DEFAULT</c>.</summary>
    public string? Qualifier { get; init; }

    /// <summary>What the payload is.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>Which answers are understood, for instance <c>text/event-stream</c>; null to leave that to the agent.</summary>
    public string? Accept { get; init; }
}
