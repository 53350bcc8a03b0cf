using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes;

/// <summary>Sandboxes made of Linux namespaces by bubblewrap, on the programs of the host.</summary>
internal sealed class NamespaceDriver(SandboxLauncher launcher, DiskImages? disks) : IIsolationDriver
{
    /// <inheritdoc/>
    public Isolation Isolation => Isolation.Namespace;

    /// <inheritdoc/>
    public async Task<SandboxProcesses> StartAsync(SandboxDriver host, SandboxSpec spec, SandboxState state, CancellationToken cancel)
    {
        foreach (var mount in spec.Mounts)
            await MakeStorageAsync(mount, cancel);
        var storage = Path.Combine(spec.Directory, disks is null ? "files" : "disk.ext4");
        if (disks is null)
            Directory.CreateDirectory(Path.Combine(storage, SessionFiles.RootName));
        else
            await disks.CreateAsync(storage, spec.Limits.DiskBytes, hasFiles: spec.Image.RootDirectory is null, cancel);
        return await launcher.LaunchAsync(spec, state, storage, disks is not null);
    }

    private async Task MakeStorageAsync(SandboxMount mount, CancellationToken cancel)
    {
        if (disks is null)
            Directory.CreateDirectory(mount.Storage);
        else
            await StorageDisk.EnsureAsync(mount, disks, cancel);
    }

    /// <inheritdoc/>
    public Task PrepareAsync(PreparedImage image, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public SandboxLimits OnHost(SandboxLimits limits) => limits;

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing that outlives a start.
    }
}
