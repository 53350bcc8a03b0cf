namespace Porthole.Sandboxes;

/// <summary>Sandboxes made of Linux namespaces by bubblewrap, on the programs of the host.</summary>
internal sealed class NamespaceDriver(SandboxLauncher launcher, DiskImages? disks) : IIsolationDriver
{
    /// <inheritdoc/>
    public Isolation Isolation => Isolation.Namespace;

    /// <inheritdoc/>
    public async Task<SandboxProcesses> StartAsync(SandboxDriver host, SandboxSpec spec, SandboxState state, CancellationToken cancel)
    {
        var storage = Path.Combine(spec.Directory, disks is null ? "files" : "disk.ext4");
        if (disks is null)
            Directory.CreateDirectory(Path.Combine(storage, SessionFiles.RootName));
        else
            await disks.CreateAsync(storage, spec.Limits.DiskBytes, cancel);
        return await launcher.LaunchAsync(spec, state, storage, disks is not null);
    }

    /// <inheritdoc/>
    public SandboxLimits OnHost(SandboxLimits limits) => limits;

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nothing that outlives a start.
    }
}
