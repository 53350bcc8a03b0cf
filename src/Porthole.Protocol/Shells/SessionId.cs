namespace Porthole.Protocol.Shells;

/// <summary>The name of a runtime session: 33 to 256 of letters, digits, <c>_</c> and <c>-</c>, the first a letter or digit.</summary>
public static class SessionId
{
    /// <summary>Shortest id, in characters: the service model's minimum.</summary>
    public const int MinLength = 33;

    /// <summary>Longest id, in characters: the service model's maximum.</summary>
    public const int MaxLength = 256;

    /// <summary>The request and response header, and the query parameter, that carries the id.</summary>
    public const string HeaderName = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

    /// <summary>Whether a client may use this id.</summary>
    public static bool IsValid(ReadOnlySpan<char> id) => id.Length is >= MinLength and <= MaxLength && IdCharacters.AreValid(id);

    /// <summary>Makes an id for a client that gave none: a random UUID, the form the official SDKs make.</summary>
    public static string NewId() => Guid.NewGuid().ToString("D");
}
