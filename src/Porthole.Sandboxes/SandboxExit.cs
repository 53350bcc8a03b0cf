namespace Porthole.Sandboxes;

/// <summary>How a sandbox came to its end.</summary>
/// <param name="Requested">True when <see cref="Sandbox.KillAsync"/> ended it; false when it died by itself.</param>
/// <param name="Detail">For the log: the status of its first process and the last lines it printed.</param>
/// <param name="IsSuspended">It has not ended for good: its directory holds all of it (<see cref="SandboxDriver.ResumeAsync"/>).</param>
public sealed record SandboxExit(bool Requested, string Detail, bool IsSuspended = false);
