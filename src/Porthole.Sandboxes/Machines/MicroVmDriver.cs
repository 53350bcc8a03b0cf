using System.Security.Cryptography;
using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Machines;

/// <summary>Sandboxes that are virtual machines, each with a kernel, a memory and a disk of its own, copied from a template.</summary>
internal sealed class MicroVmDriver : IIsolationDriver
{
    private const string DiskName = "disk.ext4", StandInName = "porthole-storage";

    // For the guest's random number generator: twice what it holds.
    private const int EntropyBytes = 64;

    // Below this the kernel itself has no room to start.
    private const long LeastMemoryBytes = 128L << 20;

    private readonly MachineLauncher _launcher;
    private readonly MachineParts _parts;
    private readonly ImageDisks _images;
    private readonly DiskImages _disks;
    private readonly MachineTemplates _templates;
    private readonly SavedTemplates _saved;

    /// <summary>Takes what all machines share.</summary>
    public MicroVmDriver(MachineLauncher launcher, MachineParts parts, ImageDisks images, DiskImages disks, SavedTemplates saved, string machinesDirectory)
    {
        (_launcher, _parts, _images, _disks, _saved) = (launcher, parts, images, disks, saved);
        _templates = new MachineTemplates(this, machinesDirectory);
    }

    /// <inheritdoc/>
    public Isolation Isolation => Isolation.MicroVm;

    /// <inheritdoc/>
    public async Task<SandboxProcesses> StartAsync(SandboxDriver host, SandboxSpec spec, SandboxState state, CancellationToken cancel)
    {
        if (spec.Limits.MemoryBytes < LeastMemoryBytes)
            throw new SandboxException($"{spec.Limits.MemoryBytes >> 20} MB are too few for a microVM: give it {LeastMemoryBytes >> 20} MB or more");
        var processes = await LaunchCopyAsync(host, spec, state, cancel);
        await LoadAsync(processes, spec.Directory, cancel);
        return processes;
    }

    /// <summary>
    /// Writes a machine to its directory. It is paused then, whether that succeeded or not; nobody may talk to its guest meanwhile.
    /// </summary>
    /// <param name="sandbox">The machine.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <returns>The machine as it is to be loaded.</returns>
    /// <exception cref="SandboxException">QEMU refused, or has ended.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public async Task<MachineCopy> SaveAsync(Sandbox sandbox, CancellationToken cancel)
    {
        var machine = sandbox.State.Machine
            ?? throw new SandboxException("it was started by an older version of this server, which could not suspend: stop it, and its next use makes a new one");
        using var devices = MachineTemplate.MakeFile("porthole-devices", 0);
        using (var monitor = await Monitor.ConnectAsync(sandbox.Directory, cancel))
            await monitor.SaveDevicesAsync(devices, cancel);
        var process = ProcessTable.ChildOf(sandbox.InnerPid);
        return await Task.Run(() => new SavedMachine(sandbox.Directory).Write(process, machine, devices, _saved), cancel);
    }

    /// <summary>Starts a machine that was saved. It is paused.</summary>
    /// <param name="directory">Where it was saved.</param>
    /// <param name="state">Its id, user and groups, which exist.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="SandboxException">It did not come up; none of it is left but what was saved.</exception>
    /// <exception cref="IOException">Likewise.</exception>
    public async Task<SandboxProcesses> LoadAsync(string directory, SandboxState state, CancellationToken cancel)
    {
        var (files, machine) = (new SavedMachine(directory), state.Machine!);
        var processes = await WithStorageAsync(machine.Storage, async storage =>
        {
            using var memory = _templates.OpenMemory(machine.Template, files.Template);
            using var devices = Descriptor.Open(files.Devices, Libc.O_RDONLY);
            return await _launcher.LaunchAsync(
                machine.Description, state, directory, Path.Combine(directory, DiskName), MachineTemplate.ResumeOptions(machine.Description),
                [memory.Number, devices.Number], [.. storage.Select(file => file.Number)], () => new MachineLink(directory, null, NewAwakening));
        }, cancel);
        await LoadAsync(processes, directory, cancel, () => files.LoadMemory(ProcessTable.ChildOf(processes.Inner.Identity.Pid)));
        return processes with { Machine = machine };
    }

    /// <summary>Lets a paused machine run, and removes what was saved of it.</summary>
    /// <exception cref="SandboxException">QEMU has ended.</exception>
    public static async Task RunOnAsync(string directory, CancellationToken cancel)
    {
        using (var monitor = await Monitor.ConnectAsync(directory, cancel))
            await monitor.RunAsync("cont", null, cancel);
        new SavedMachine(directory).Remove();
    }

    /// <inheritdoc/>
    public async Task PrepareAsync(PreparedImage image, CancellationToken cancel)
    {
        foreach (var directory in ((string?[])[image.RootDirectory, image.CodeDirectory]).OfType<string>())
            await _images.EnsureAsync(directory, cancel);
    }

    /// <inheritdoc/>
    public SandboxLimits OnHost(SandboxLimits limits) => limits with
    {
        MemoryBytes = limits.MemoryBytes + MachineDescription.OverheadBytes,
        Processes = Math.Max(limits.Processes, MachineDescription.Threads),
    };

    /// <inheritdoc/>
    public void Dispose() => _templates.Dispose();

    /// <summary>Starts a machine to be made a template of.</summary>
    internal async Task<SandboxProcesses> LaunchTemplateAsync(
        MachineDescription machine, SandboxSpec spec, SandboxState state, IReadOnlyList<string> memory, IReadOnlyList<int> descriptors, CancellationToken cancel)
    {
        var standIns = machine.Disks.StorageBytes.Select(bytes => MachineTemplate.MakeFile(StandInName, bytes)).ToList();
        try
        {
            return await LaunchAsync(machine, spec, state, memory, descriptors, standIns, null, cancel);
        }
        finally
        {
            standIns.ForEach(file => file.Dispose());
        }
    }

    private Task<SandboxProcesses> LaunchCopyAsync(SandboxDriver host, SandboxSpec spec, SandboxState state, CancellationToken cancel) =>
        WithStorageAsync(spec.Mounts, async storage =>
        {
            var machine = await _parts.DescribeAsync(spec.Limits, await DisksOfAsync(spec, cancel), cancel);
            var template = await _templates.GetAsync(host, machine, spec.Limits, cancel);
            var (memory, saved) = template.OpenForCopy();
            using (memory)
            using (saved)
            {
                var processes = await LaunchAsync(
                    machine, spec, state, MachineTemplate.CopyOptions(machine), [memory.Number, saved.Number], storage, () => NewIdentity(spec), cancel);
                return processes with { Machine = new MachineCopy(machine, template.Id, spec.Mounts) };
            }
        }, cancel);

    private async Task<SandboxProcesses> WithStorageAsync(
        IReadOnlyList<SandboxMount> mounts, Func<IReadOnlyList<Descriptor>, Task<SandboxProcesses>> launch, CancellationToken cancel)
    {
        var storage = new List<Descriptor>();
        try
        {
            foreach (var mount in mounts)
            {
                await StorageDisk.EnsureAsync(mount, _disks, cancel);
                storage.Add(await StorageDisk.OpenAsync(mount, cancel));
            }

            return await launch(storage);
        }
        finally
        {
            // QEMU has its own, and with them the storage.
            storage.ForEach(file => file.Dispose());
        }
    }

    private async Task<SandboxProcesses> LaunchAsync(
        MachineDescription machine, SandboxSpec spec, SandboxState state, IReadOnlyList<string> memory, IReadOnlyList<int> descriptors,
        IReadOnlyList<Descriptor> storage, Func<MachineIdentity>? identity, CancellationToken cancel)
    {
        var disk = Path.Combine(spec.Directory, DiskName);
        await _disks.CreateAsync(disk, spec.Limits.DiskBytes, hasFiles: false, cancel);
        return await _launcher.LaunchAsync(machine, state, spec.Directory, disk, memory, descriptors, [.. storage.Select(file => file.Number)],
            () => new MachineLink(spec.Directory, identity));
    }

    private async Task<MachineDisks> DisksOfAsync(SandboxSpec spec, CancellationToken cancel) => new(
        spec.Image.RootDirectory is { } root ? await _images.EnsureAsync(root, cancel) : await _parts.HostDiskAsync(cancel),
        spec.Limits.DiskBytes,
        spec.Image.CodeDirectory is { } code ? await _images.EnsureAsync(code, cancel) : null,
        [.. spec.Mounts.Select(mount => new FileInfo(StorageDisk.PathOf(mount)).Length)]);

    private static async Task LoadAsync(SandboxProcesses processes, string directory, CancellationToken cancel, Action? beforeState = null)
    {
        try
        {
            await MachineTemplate.LoadAsync(directory, beforeState, cancel);
        }
        catch (Exception failure) when (failure is SandboxException or OperationCanceledException or IOException)
        {
            processes.Inner.Kill();
            var ended = await processes.Outer.Ended;
            processes.Link.Dispose();
            var printed = processes.Log.Tail();
            processes.Log.Dispose();
            throw failure is OperationCanceledException ? failure : new SandboxException($"{failure.Message}; QEMU {ended}: {printed}", failure);
        }
    }

    private static long UnixTime => (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks;

    private static MachineAwakening NewAwakening() => new(RandomNumberGenerator.GetBytes(EntropyBytes), UnixTime);

    private static MachineIdentity NewIdentity(SandboxSpec spec)
    {
        const int cardBytes = 4;
        return new MachineIdentity(
            RandomNumberGenerator.GetBytes(EntropyBytes),
            UnixTime,
            spec.HostName,
            Guid.NewGuid().ToString("N"),
            spec.Egress ? [0x52, 0x54, .. RandomNumberGenerator.GetBytes(cardBytes)] : [],
            (uint)spec.Limits.Processes,
            [
                .. spec.Image.CodeDirectory is null ? (MachineMount[])[] : [new MachineMount(PreparedImage.CodePath, IsLasting: false)],
                .. spec.Mounts.Select(mount => new MachineMount(mount.Target, IsLasting: true)),
            ]);
    }
}
