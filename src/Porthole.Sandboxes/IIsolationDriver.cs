namespace Porthole.Sandboxes;

/// <summary>One way to isolate a sandbox. <see cref="SandboxDriver"/> does what all of them have in common.</summary>
internal interface IIsolationDriver
{
    /// <summary>Makes what the sandbox writes to, and starts its processes; its directory and its control groups are there.</summary>
    /// <exception cref="SandboxException">They did not come up; none of them is left.</exception>
    Task<SandboxProcesses> StartAsync(SandboxSpec spec, SandboxState state, CancellationToken cancel);

    /// <summary>The way to the guest of a sandbox that runs.</summary>
    IGuestLink LinkTo(string directory, SandboxState state);
}

/// <summary>What runs on the host for a sandbox.</summary>
/// <param name="Outer">The process that holds it together.</param>
/// <param name="Inner">The first process inside its process namespace: it ends with it.</param>
/// <param name="Log">What they print.</param>
internal sealed record SandboxProcesses(WatchedProcess Outer, WatchedProcess Inner, BoundedLog Log);
