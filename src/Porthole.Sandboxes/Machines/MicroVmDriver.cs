using System.Security.Cryptography;
using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Machines;

/// <summary>Sandboxes that are virtual machines, each with a kernel, a memory and a disk of its own, copied from a template.</summary>
internal sealed class MicroVmDriver : IIsolationDriver
{
    private const string DiskName = "disk.ext4", StandInName = "porthole-storage";

    // Below this the kernel itself has no room to start.
    private const long LeastMemoryBytes = 128L << 20;

    private readonly MachineLauncher _launcher;
    private readonly MachineParts _parts;
    private readonly ImageDisks _images;
    private readonly DiskImages _disks;
    private readonly MachineTemplates _templates;

    /// <summary>Takes what all machines share.</summary>
    public MicroVmDriver(MachineLauncher launcher, MachineParts parts, ImageDisks images, DiskImages disks, string machinesDirectory)
    {
        (_launcher, _parts, _images, _disks) = (launcher, parts, images, disks);
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
        try
        {
            await MachineTemplate.LoadAsync(spec.Directory, cancel);
            return processes;
        }
        catch (Exception failure) when (failure is SandboxException or OperationCanceledException)
        {
            processes.Inner.Kill();
            var ended = await processes.Outer.Ended;
            processes.Link.Dispose();
            var printed = processes.Log.Tail();
            processes.Log.Dispose();
            throw failure is SandboxException ? new SandboxException($"{failure.Message}; QEMU {ended}: {printed}", failure) : failure;
        }
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
        MachineDescription machine, SandboxSpec spec, SandboxState state, IEnumerable<string> memory, IReadOnlyList<int> descriptors, CancellationToken cancel)
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

    private async Task<SandboxProcesses> LaunchCopyAsync(SandboxDriver host, SandboxSpec spec, SandboxState state, CancellationToken cancel)
    {
        var storage = new List<Descriptor>();
        try
        {
            foreach (var mount in spec.Mounts)
            {
                await StorageDisk.EnsureAsync(mount, _disks, cancel);
                storage.Add(await StorageDisk.OpenAsync(mount, cancel));
            }

            var machine = await _parts.DescribeAsync(spec.Limits, await DisksOfAsync(spec, cancel), cancel);
            var template = await _templates.GetAsync(host, machine, spec.Limits, cancel);
            var (memory, saved) = template.OpenForCopy();
            using (memory)
            using (saved)
            {
                return await LaunchAsync(
                    machine, spec, state, MachineTemplate.CopyOptions(machine), [memory.Number, saved.Number], storage, () => NewIdentity(spec), cancel);
            }
        }
        finally
        {
            // QEMU has its own, and with them the storage.
            storage.ForEach(file => file.Dispose());
        }
    }

    private async Task<SandboxProcesses> LaunchAsync(
        MachineDescription machine, SandboxSpec spec, SandboxState state, IEnumerable<string> memory, IReadOnlyList<int> descriptors,
        IReadOnlyList<Descriptor> storage, Func<MachineIdentity>? identity, CancellationToken cancel)
    {
        var disk = Path.Combine(spec.Directory, DiskName);
        await _disks.CreateAsync(disk, spec.Limits.DiskBytes, hasFiles: false, cancel);
        return await _launcher.LaunchAsync(machine, state, spec.Directory, disk, memory, descriptors, [.. storage.Select(file => file.Number)], identity);
    }

    private async Task<MachineDisks> DisksOfAsync(SandboxSpec spec, CancellationToken cancel) => new(
        spec.Image.RootDirectory is { } root ? await _images.EnsureAsync(root, cancel) : await _parts.HostDiskAsync(cancel),
        spec.Limits.DiskBytes,
        spec.Image.CodeDirectory is { } code ? await _images.EnsureAsync(code, cancel) : null,
        [.. spec.Mounts.Select(mount => new FileInfo(StorageDisk.PathOf(mount)).Length)]);

    private static MachineIdentity NewIdentity(SandboxSpec spec)
    {
        const int entropyBytes = 64, cardBytes = 4;
        return new MachineIdentity(
            RandomNumberGenerator.GetBytes(entropyBytes),
            (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks,
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
