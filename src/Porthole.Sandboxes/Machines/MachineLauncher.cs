using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// Brings a machine to life: QEMU in a sandbox of its own, as good as those that need no machine, since with TCG this is what keeps those inside
/// from the host.
/// </summary>
internal sealed class MachineLauncher(BubblewrapStart start, string bubblewrap, string mountPoint, string? nameServer)
{
    private const int PortBacklog = 4;

    // linux/misc.h
    private const int MiscMajor = 10, KvmMinor = 232;

    // As in SandboxLauncher: where mounts end up, not in the way of what bubblewrap is to show.
    private const string Stage = "/tmp";

    /// <summary>Name of the monitor's socket in the directory of a machine.</summary>
    public const string MonitorName = "monitor.sock";

    // QEMU's libraries lie here; where these are links into /usr, so they are inside.
    private static readonly string[] ProgramDirectories = ["/bin", "/lib", "/lib64"];

    /// <summary>Starts the processes.</summary>
    /// <param name="machine">What the machine is.</param>
    /// <param name="state">Its id, user and groups, which exist.</param>
    /// <param name="directory">Where its sockets go.</param>
    /// <param name="disk">The disk that it writes to.</param>
    /// <param name="options">More of QEMU's options: where memory comes from, and what boots.</param>
    /// <param name="descriptors">Descriptors that those options name, from <see cref="FirstDescriptor"/> on; two at most.</param>
    /// <param name="storage">Descriptors of the disks that outlive the machine.</param>
    /// <param name="link">The way to the guest, made when its socket is there.</param>
    /// <exception cref="SandboxException">They did not come up; none of them is left.</exception>
    public async Task<SandboxProcesses> LaunchAsync(
        MachineDescription machine, SandboxState state, string directory, string disk, IReadOnlyList<string> options, IReadOnlyList<int> descriptors,
        IReadOnlyList<int> storage, Func<MachineLink> link)
    {
        using var port = UnixSocket.Listen(directory, Sandbox.LinkName, PortBacklog);
        using var monitor = UnixSocket.Listen(directory, MonitorName, PortBacklog);
        var plan = Plan(machine, options.Contains(MachineDescription.BootOption), state, directory, disk, out var bubblewrapArguments)
            .Exec([bubblewrap, "--args", $"{SandboxDescriptors.Arguments}", machine.Emulator, .. machine.Arguments(SandboxDescriptors.Link, SandboxDescriptors.Others, FirstStorage), .. options]);
        var gap = Enumerable.Repeat(-1, FirstStorage - FirstDescriptor - descriptors.Count);
        var (outer, inner, log) = await start.RunAsync(state.Id, plan, bubblewrapArguments, port, [], [monitor.Number, .. descriptors, .. gap, .. storage]);
        return new SandboxProcesses(outer, inner, log, link());
    }

    /// <summary>Number of the first descriptor that is given.</summary>
    public const int FirstDescriptor = SandboxDescriptors.Others + 1;

    private const int FirstStorage = FirstDescriptor + 2;

    private LaunchPlan Plan(MachineDescription machine, bool isBooted, SandboxState state, string directory, string disk, out IEnumerable<string> bubblewrapArguments)
    {
        var plan = new LaunchPlan();
        foreach (var group in state.Cgroups)
            plan.JoinCgroup(group);
        plan.OutOfMemoryScore(SandboxDriver.OutOfMemoryScore).Limit("core", 0);
        var nameServers = nameServer is null ? "" : $"nameserver {nameServer}\n";
        var files = (Own: disk, Names: Path.Combine(directory, "resolv.conf"), Kvm: "/dev/kvm");
        var shown = ShownFiles(machine, isBooted);
        if (state.UserId is { } user)
        {
            plan.PrivateMounts().Tmpfs(mountPoint).Bind(files.Own, $"{mountPoint}/own");
            foreach (var (file, place) in shown)
                plan.BindReadOnly(file, $"{mountPoint}/{Path.GetFileName(place)}");
            if (machine.Accelerator == "kvm")
                plan.Device($"{mountPoint}/kvm", MiscMajor, KvmMinor);
            plan.MoveMount(mountPoint, Stage);
            files = ($"{Stage}/own", $"{Stage}/resolv.conf", $"{Stage}/kvm");
            shown = [.. shown.Select(static entry => ($"{Stage}/{Path.GetFileName(entry.Place)}", entry.Place))];
            plan.WriteFile(files.Names, nameServers).GiveTree(files.Own, user).BecomeUser(user);
        }
        else
        {
            plan.WriteFile(files.Names, nameServers);
        }

        bubblewrapArguments =
        [
            .. BubblewrapArguments.OneUser, .. BubblewrapArguments.Namespaces, "--hostname", "machine",
            "--ro-bind", "/usr", "/usr", .. ProgramDirectories.SelectMany(ShowAsOnHost), "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
            "--proc", "/proc", "--dev", "/dev",
            .. shown.SelectMany(static entry => (string[])["--ro-bind", entry.File, entry.Place]), "--bind", files.Own, MachineDisks.OwnPath,
            "--ro-bind", files.Names, "/etc/resolv.conf",
            .. machine.Accelerator == "kvm" ? (string[])["--dev-bind", files.Kvm, "/dev/kvm"] : [],
            "--chdir", "/", "--clearenv",
            "--info-fd", $"{SandboxDescriptors.Info}", "--sync-fd", $"{SandboxDescriptors.Lifetime}",
        ];
        return plan;
    }

    // A copy has its kernel in its memory. One that was suspended may be older than the files, which may be gone.
    private static IReadOnlyList<(string File, string Place)> ShownFiles(MachineDescription machine, bool isBooted) =>
    [
        .. isBooted ? ((string, string)[])[(machine.Kernel, MachineDescription.KernelPath), (machine.InitialFileSystem, MachineDescription.InitialFileSystemPath)] : [],
        (machine.Disks.Root, MachineDisks.RootPath),
        .. machine.Disks.Code is { } code ? ((string, string)[])[(code, MachineDisks.CodePath)] : [],
    ];

    private static string[] ShowAsOnHost(string path) => new DirectoryInfo(path) switch
    {
        { LinkTarget: { } target } => ["--symlink", target, path],
        { Exists: true } => ["--ro-bind", path, path],
        _ => [],
    };
}
