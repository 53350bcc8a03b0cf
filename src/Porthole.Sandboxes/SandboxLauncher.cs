using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Sandboxes.Seccomp;

namespace Porthole.Sandboxes;

/// <summary>Brings a sandbox's first processes to life: porthole-launch prepares, and becomes bubblewrap, which starts the guest inside.</summary>
internal sealed class SandboxLauncher(BubblewrapStart start, SandboxOptions options, SessionFiles files, Cgroups cgroups, string bubblewrap, string mountPoint, string? nameServer)
{
    private const int LinkBacklog = 128;

    // What systemd gives logins and services; those who need more than the soft limit raise it.
    private const int OpenFiles = 524288;

    // Where the launcher's mounts end up: not in the way of anything that bubblewrap is to show inside.
    private const string Stage = "/tmp";

    private static readonly byte[]? Filter = SeccompFilter.For(RuntimeInformation.ProcessArchitecture);

    /// <summary>Starts the processes.</summary>
    /// <param name="spec">What the sandbox shall be.</param>
    /// <param name="state">Its id, user and groups, which exist.</param>
    /// <param name="storage">Disk image or directory that holds what it writes.</param>
    /// <param name="isImage">Which of both.</param>
    /// <returns>bubblewrap outside, the first process inside, and what they print.</returns>
    /// <exception cref="SandboxException">They did not come up; none of them is left.</exception>
    public async Task<SandboxProcesses> LaunchAsync(SandboxSpec spec, SandboxState state, string storage, bool isImage)
    {
        var plan = Plan(spec, state, storage, isImage, out var bubblewrapArguments);
        using var link = UnixSocket.Listen(spec.Directory, Sandbox.LinkName, LinkBacklog);
        var (outer, inner, log) = await start.RunAsync(state.Id, plan, bubblewrapArguments, link, Filter ?? []);
        return new SandboxProcesses(outer, inner, log, new SocketLink(spec.Directory));
    }

    private LaunchPlan Plan(SandboxSpec spec, SandboxState state, string storage, bool isImage, out IEnumerable<string> bubblewrapArguments)
    {
        var plan = new LaunchPlan();
        foreach (var group in state.Cgroups)
            plan.JoinCgroup(group);
        plan.OutOfMemoryScore(SandboxDriver.OutOfMemoryScore).Limit("core", 0).Limit("open-files", OpenFiles);
        if (!isImage)
            plan.Limit("file-size", spec.Limits.DiskBytes);
        if (cgroups.Missing.Contains("pids"))
            plan.Limit("processes", spec.Limits.Processes + (state.UserId is null ? ProcessTable.CountThreads(Libc.GetEUid()) : 0));

        var (source, guest, root) = (files.Root, options.GuestPath, Path.Combine(storage, SessionFiles.RootName));
        if (state.UserId is { } user)
        {
            // Gathered in a place of our own first: the sources may be anywhere, also where the stage will cover them.
            plan.PrivateMounts().Tmpfs(mountPoint).BindReadOnly(guest, $"{mountPoint}/guest");
            if (isImage)
                plan.MountImage(storage, $"{mountPoint}/disk");
            else
                plan.Bind(storage, $"{mountPoint}/disk").BindReadOnly(source, $"{mountPoint}/files");
            plan.MoveMount(mountPoint, Stage);
            (source, guest, root) = ($"{Stage}/files", $"{Stage}/guest", $"{Stage}/disk/{SessionFiles.RootName}");
            (isImage ? plan.GiveTree(root, user) : plan.MakeOwnDirectory(root, user)).BecomeUser(user);
        }

        // A disk has been made with the files.
        if (!isImage)
            plan.CopyTree(source, root);

        bubblewrapArguments = BubblewrapArguments.For(spec, root, guest, files.HostPaths.Select(path => (path, path)).Concat(cgroups.ViewsFor(state.Id)), Filter is not null);
        return plan
            .WriteFile($"{root}/etc/hostname", $"{spec.HostName}\n")
            .WriteFile($"{root}/etc/hosts", $"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {spec.HostName}\n")
            .WriteFile($"{root}/etc/resolv.conf", spec.Egress && nameServer is not null ? $"nameserver {nameServer}\n" : "# no network\n")
            .Exec(bubblewrap, "--args", $"{SandboxDescriptors.Arguments}", BubblewrapArguments.GuestPath, "serve", "--listen-fd", $"{SandboxDescriptors.Link}");
    }
}
