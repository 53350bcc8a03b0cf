namespace Porthole.Server.Runtimes;

/// <summary>
/// The tag by which a runtime says what becomes of a session that was idle for its time. A tag for the same reasons as <see cref="IsolationTag"/>;
/// it holds from the moment that it is set, for sessions that live as well.
/// </summary>
internal static class IdleTag
{
    /// <summary>The tag's key.</summary>
    public const string Key = "porthole:when-idle";

    private const string Stop = "stop", Suspend = "suspend";

    /// <summary>What is wrong with the tag, if it is there and wrong; follows the word "tags".</summary>
    public static string? Problem(IReadOnlyDictionary<string, string> tags) =>
        tags.TryGetValue(Key, out var value) && Read(value) is null ? $"has {Key}={value}; it must be {Stop} or {Suspend}" : null;

    /// <summary>What a value of the tag asks for; null when it asks for nothing known.</summary>
    public static IdleAction? Read(string? value) => value switch
    {
        Stop => IdleAction.Stop,
        Suspend => IdleAction.Suspend,
        _ => null,
    };
}

/// <summary>What becomes of an idle session.</summary>
internal enum IdleAction
{
    /// <summary>It ends.</summary>
    Stop,

    /// <summary>It is suspended if it is a microVM, else it ends.</summary>
    Suspend,
}
