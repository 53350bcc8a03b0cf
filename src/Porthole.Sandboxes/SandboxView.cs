namespace Porthole.Sandboxes;

/// <summary>What a sandbox sees of its host, once the launcher has prepared it: paths outside, and where they are inside.</summary>
internal sealed record SandboxView
{
    /// <summary>What becomes / inside.</summary>
    public required string Root { get; init; }

    /// <summary>The guest program.</summary>
    public required string Guest { get; init; }

    /// <summary>Shown as they are, in this order.</summary>
    public IReadOnlyList<(string Source, string Target)> ReadOnly { get; init; } = [];

    /// <summary>Shown to be written to.</summary>
    public IReadOnlyList<(string Source, string Target)> Writable { get; init; } = [];

    /// <summary>Whether there is a user namespace of many ids at <see cref="SandboxDescriptors.UserNamespace"/>.</summary>
    public bool HasManyUsers { get; init; }
}
