namespace Porthole.Sandboxes;

/// <summary>What became of a session's directory that an earlier server left.</summary>
/// <param name="Sandbox">The sandbox, when it still runs.</param>
/// <param name="Cleared">Otherwise why it does not, for the log; nothing of it is left then.</param>
public sealed record SandboxAdoption(Sandbox? Sandbox, string? Cleared);
