using Porthole.Sandboxes;

namespace Porthole.Server.Runtimes;

/// <summary>
/// The tag by which a runtime says what stands between its sessions and the host. A tag, because AWS's requests have no field for it and every
/// official client can set tags; it holds for sessions that begin after it was set.
/// </summary>
internal static class IsolationTag
{
    /// <summary>The tag's key.</summary>
    public const string Key = "porthole:isolation";

    private const string Namespace = "namespace", MicroVm = "microvm";

    /// <summary>What is wrong with the tag, if it is there and wrong; follows the word "tags".</summary>
    public static string? Problem(IReadOnlyDictionary<string, string> tags) =>
        tags.TryGetValue(Key, out var value) && Read(value) is null ? $"has {Key}={value}; it must be {Namespace} or {MicroVm}" : null;

    /// <summary>The isolation that a value of the tag names; null when it names none.</summary>
    public static Isolation? Read(string? value) => value switch
    {
        Namespace => Isolation.Namespace,
        MicroVm => Isolation.MicroVm,
        _ => null,
    };
}
