using System.Security.Cryptography;
using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>What machines of this host are made of: emulator, kernel, first file system, base disk. Each is found or built once.</summary>
internal sealed class MachineParts
{
    private const string InitialFileSystemName = "initrd-";

    // Of guests of earlier builds. Each start of a server makes its own younger; several builds may share the directory for a while.
    private static readonly TimeSpan Old = TimeSpan.FromDays(1);

    private readonly string _directory;
    private readonly string _guest;
    private readonly BaseImage _base;
    private readonly MachineKernel _kernel;
    private readonly string _emulator;
    private readonly Lock _lock = new();
    private readonly Lazy<Task<Accelerator>> _accelerator;
    private readonly Lazy<long> _timeStampKilohertz = new(TimeStampCounter.MeasureKilohertz);
    private string? _initialFileSystem;

    private MachineParts(EventLoop loop, string directory, string guest, BaseImage image, MachineKernel kernel, string emulator)
    {
        _accelerator = new Lazy<Task<Accelerator>>(() => Accelerator.FindAsync(loop, directory, emulator, kernel.Image, InitialFileSystemFile(), CancellationToken.None));
        (_directory, _guest, _base, _kernel, _emulator) = (directory, guest, image, kernel, emulator);
    }

    /// <summary>Finds the parts.</summary>
    /// <param name="loop">Watches what is tried.</param>
    /// <param name="options">Where they may be.</param>
    /// <param name="image">Packs the host's programs.</param>
    /// <param name="problem">What is missing, and how to get it.</param>
    /// <returns>Null when something is missing.</returns>
    public static MachineParts? TryFind(EventLoop loop, SandboxOptions options, BaseImage image, out string? problem)
    {
        var emulator = HostTool.Find("qemu-system-x86_64");
        var kernel = MachineKernel.Find(Path.Combine(options.MachineDirectory, "kernel")) ?? MachineKernel.Find("/");
        problem = (emulator, kernel) switch
        {
            (null, _) => "QEMU is missing: install the package qemu-system-x86",
            (_, null) => "there is no kernel for microVMs: run porthole setup microvm",
            _ => null,
        };
        return problem is null ? new MachineParts(loop, options.MachineDirectory, options.GuestPath, image, kernel!, emulator!) : null;
    }

    /// <summary>What runs them; takes some seconds the first time after a boot of the host.</summary>
    public Task<Accelerator> FindAcceleratorAsync() => _accelerator.Value;

    /// <summary>The disk of the host's programs.</summary>
    /// <exception cref="SandboxException">It could not be packed.</exception>
    public Task<string> HostDiskAsync(CancellationToken cancel) => _base.EnsureAsync(cancel);

    /// <summary>What a machine with these limits and disks is.</summary>
    public async Task<MachineDescription> DescribeAsync(SandboxLimits limits, MachineDisks disks, CancellationToken cancel)
    {
        var accelerator = await FindAcceleratorAsync().WaitAsync(cancel);

        // One virtual processor with TCG: with two of them on a host of two, a keystroke took ten times as long (docs/decisions/0013).
        var processors = accelerator.IsHardware ? Math.Max(1, (int)Math.Ceiling(limits.Cpus)) : 1;
        return new MachineDescription(accelerator.Name, _emulator, _kernel.Image, Stamp(_emulator, _kernel.Image), InitialFileSystemFile(), disks,
            limits.MemoryBytes >> 20 << 20, processors, _timeStampKilohertz.Value);
    }

    // Both may be replaced under their names while a server runs.
    private static string Stamp(params IEnumerable<string> files) =>
        string.Join(' ', files.Select(file => new FileInfo(file)).Select(file => $"{file.Length}-{file.LastWriteTimeUtc.Ticks}"));

    // Made when the first machine needs it, and once more should it have been removed: it may have been taken for an old one.
    private string InitialFileSystemFile()
    {
        lock (_lock)
            return _initialFileSystem = _initialFileSystem is { } made && File.Exists(made) ? made : BuildInitialFileSystem();
    }

    // Named by what is in it: the guest may be a newer one at the next start of the server.
    private string BuildInitialFileSystem()
    {
        Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var unfinished = Path.Combine(_directory, $"{InitialFileSystemName}{Guid.NewGuid():N}");
        InitialFileSystem.Write(unfinished, _guest, _kernel.Modules());
        using var content = File.OpenRead(unfinished);
        var path = Path.Combine(_directory, $"{InitialFileSystemName}{Convert.ToHexStringLower(SHA256.HashData(content))[..16]}");
        if (File.Exists(path))
        {
            // Not replaced: another server's machine may be about to read it, and a file that is gone cannot be shown to it any more.
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            File.Delete(unfinished);
        }
        else
        {
            File.Move(unfinished, path, overwrite: true);
        }

        foreach (var old in Directory.EnumerateFiles(_directory, InitialFileSystemName + "*").Where(file => DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > Old))
            File.Delete(old);
        return path;
    }
}
