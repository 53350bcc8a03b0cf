using Porthole.Sandboxes.Images;
using Porthole.Sandboxes.Machines;

namespace Porthole.Sandboxes;

/// <summary>One way to isolate a sandbox. <see cref="SandboxDriver"/> does what all of them have in common.</summary>
internal interface IIsolationDriver : IDisposable
{
    /// <summary>What it is.</summary>
    Isolation Isolation { get; }

    /// <summary>Makes what the sandbox writes to, and starts its processes; its directory and its control groups are there.</summary>
    /// <param name="host">Starts other sandboxes that this one needs.</param>
    /// <param name="spec">What it shall be.</param>
    /// <param name="state">Its id, user and groups.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="SandboxException">They did not come up; none of them is left.</exception>
    Task<SandboxProcesses> StartAsync(SandboxDriver host, SandboxSpec spec, SandboxState state, CancellationToken cancel);

    /// <summary>Makes what the first sandbox of an image would have to wait for.</summary>
    /// <exception cref="SandboxException">It cannot be made; the message says what to do.</exception>
    Task PrepareAsync(PreparedImage image, CancellationToken cancel);

    /// <summary>What the host must spare for a sandbox that may use so much.</summary>
    SandboxLimits OnHost(SandboxLimits limits);
}

/// <summary>What runs on the host for a sandbox.</summary>
/// <param name="Outer">The process that holds it together.</param>
/// <param name="Inner">The first process inside its process namespace: it ends with it.</param>
/// <param name="Log">What they print.</param>
/// <param name="Link">The way to the guest inside.</param>
/// <param name="Machine">What a later server must know to wake it up, when it is a machine.</param>
internal sealed record SandboxProcesses(WatchedProcess Outer, WatchedProcess Inner, BoundedLog Log, IGuestLink Link, MachineCopy? Machine = null);
