namespace Porthole.Sandboxes;

/// <summary>What became of a session's directory that an earlier server left.</summary>
/// <param name="Sandbox">The sandbox, when it still runs.</param>
/// <param name="Cleared">Otherwise why it does not, for the log; nothing of it is left then.</param>
/// <param name="IsSuspended">It does not run because it is suspended, and nothing was cleared.</param>
/// <param name="Accelerator">What ran the instructions of one that is suspended.</param>
public sealed record SandboxAdoption(Sandbox? Sandbox, string? Cleared, bool IsSuspended = false, string? Accelerator = null);
