namespace Porthole.Protocol.Shells;

/// <summary>The name of a shell within its session: 1 to 128 of letters, digits, <c>_</c> and <c>-</c>, the first a letter or digit.</summary>
public static class ShellId
{
    /// <summary>Longest id, in characters: what the official SDKs allow.</summary>
    public const int MaxLength = 128;

    /// <summary>The response header of the 101 that carries the id.</summary>
    public const string HeaderName = "X-Amzn-Bedrock-AgentCore-Shell-Id";

    /// <summary>The query parameter that carries the id.</summary>
    public const string QueryName = "shellId";

    /// <summary>Whether a client may use this id.</summary>
    public static bool IsValid(ReadOnlySpan<char> id) => id.Length is >= 1 and <= MaxLength && IdCharacters.AreValid(id);

    /// <summary>Makes an id for a client that gave none: a random UUID.</summary>
    public static string NewId() => Guid.NewGuid().ToString("D");
}
