namespace Porthole.Sandboxes;

/// <summary>How a sandbox came to its end.</summary>
/// <param name="Requested">True when <see cref="Sandbox.KillAsync"/> ended it; false when it died by itself.</param>
/// <param name="Detail">For the log: the status of its first process and the last lines it printed.</param>
public sealed record SandboxExit(bool Requested, string Detail);
