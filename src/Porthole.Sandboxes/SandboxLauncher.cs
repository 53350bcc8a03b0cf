using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Sandboxes.Seccomp;

namespace Porthole.Sandboxes;

/// <summary>Brings a sandbox's first processes to life: porthole-launch prepares, and becomes bubblewrap, which starts the guest inside.</summary>
internal sealed class SandboxLauncher(BubblewrapStart start, SandboxPlace place, string bubblewrap)
{
    private const int LinkBacklog = 128;

    private static readonly byte[]? Filter = SeccompFilter.For(RuntimeInformation.ProcessArchitecture);

    /// <summary>Starts the processes.</summary>
    /// <param name="spec">What the sandbox shall be.</param>
    /// <param name="state">Its id, user and groups, which exist.</param>
    /// <param name="storage">Disk image or directory that holds what it writes.</param>
    /// <param name="isDisk">Which of both.</param>
    /// <returns>bubblewrap outside, the first process inside, and what they print.</returns>
    /// <exception cref="SandboxException">They did not come up; none of them is left.</exception>
    public async Task<SandboxProcesses> LaunchAsync(SandboxSpec spec, SandboxState state, string storage, bool isDisk)
    {
        var plan = new SandboxPlan(spec, state, place, storage, isDisk);
        _ = spec.Image.RootDirectory is null ? plan.OnHostTools() : plan.OnImage();
        plan.Steps.Exec(bubblewrap, "--args", $"{SandboxDescriptors.Arguments}", BubblewrapArguments.GuestPath, "serve", "--listen-fd", $"{SandboxDescriptors.Link}");
        var bubblewrapArguments = BubblewrapArguments.For(spec, plan.View, Filter is not null);
        using var link = UnixSocket.Listen(spec.Directory, Sandbox.LinkName, LinkBacklog);

        // A place for the user namespace that the launcher may make.
        var others = plan.MapsIds ? (int[])[-1] : [];
        var (outer, inner, log) = await start.RunAsync(state.Id, plan.Steps, bubblewrapArguments, link, Filter ?? [], others);
        return new SandboxProcesses(outer, inner, log, new SocketLink(spec.Directory));
    }
}
