namespace Porthole.Client;

/// <summary>How a command runs.</summary>
public sealed record CommandOptions
{
    /// <summary>The session to run in, 33 to 256 of letters, digits, <c>_</c> and <c>-</c>; null for a new one.</summary>
    public string? SessionId { get; init; }

    /// <summary>The runtime's endpoint; null for <c>DEFAULT</c>.</summary>
    public string? Qualifier { get; init; }

    /// <summary>Time the command may take, whole seconds, 1 s to 1 h; null for the service's default of 300 s.</summary>
    public TimeSpan? Timeout { get; init; }
}
