namespace Porthole.Sandboxes.Machines;

/// <summary>
/// Machines that have been told who they are and wait for a session to need them: for each kind of session that was started, as many as the
/// setting says. They are made in the background, after the session that showed the need.
/// </summary>
internal sealed class WarmMachines(SandboxDriver host, string directory, int size, Action<string> warn) : IDisposable
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly List<(MachineKind Kind, Sandbox Sandbox)> _ready = [];
    private readonly Dictionary<MachineKind, int> _underWay = [];
    private bool _disposed;

    /// <summary>Takes a machine for a session.</summary>
    /// <returns>Null when none waits, and always for a session with storage, which nobody else may have.</returns>
    public Sandbox? TryTake(SandboxSpec spec)
    {
        if (spec.Mounts.Count > 0)
            return null;
        var kind = KindOf(spec);
        lock (_lock)
        {
            _ready.RemoveAll(entry => entry.Sandbox.Ending.IsCompleted);
            var found = _ready.FindIndex(entry => entry.Kind == kind);
            if (found < 0)
                return null;
            var taken = _ready[found].Sandbox;
            _ready.RemoveAt(found);
            return taken;
        }
    }

    /// <summary>Sees to it that machines of this kind wait again, and none of those kinds that were not asked for lately.</summary>
    public void Refill(SandboxSpec spec)
    {
        if (spec.Mounts.Count > 0)
            return;
        var kind = KindOf(spec);
        lock (_lock)
        {
            var missing = size - _ready.Count(entry => entry.Kind == kind) - _underWay.GetValueOrDefault(kind);
            for (; missing > 0 && !_disposed; missing--)
            {
                _underWay[kind] = _underWay.GetValueOrDefault(kind) + 1;
                _ = MakeAsync(kind, spec);
            }

            foreach (var (_, other) in _ready.Where(entry => entry.Kind != kind).SkipLast(size).ToList())
                _ = other.KillAsync();
        }
    }

    /// <summary>Ends all that wait.</summary>
    public void Dispose()
    {
        List<Task> ending;
        lock (_lock)
        {
            _disposed = true;
            ending = [.. _ready.Select(entry => entry.Sandbox.KillAsync())];
            _ready.Clear();
        }

        _ = Task.WaitAll([.. ending], EndTimeout);
    }

    private static MachineKind KindOf(SandboxSpec spec) => new(spec.Image.Digest, spec.HostName, spec.Limits, spec.Egress);

    private async Task MakeAsync(MachineKind kind, SandboxSpec spec)
    {
        Sandbox? sandbox = null;
        try
        {
            sandbox = await host.StartFreshAsync(
                spec with { Directory = Path.Combine(directory, $"warm-{Guid.NewGuid():N}"), Isolation = Isolation.MicroVm }, CancellationToken.None);
            await FirstShell.RunAsync(sandbox, spec.Image);
        }
        catch (Exception failure) when (failure is SandboxException or IOException or OperationCanceledException)
        {
            warn($"no microVM could be made ahead: {failure.Message}");
            if (sandbox is not null)
                await sandbox.KillAsync();
            sandbox = null;
        }

        lock (_lock)
        {
            _underWay[kind]--;
            if (sandbox is not null && !_disposed)
            {
                _ready.Add((kind, sandbox));
                return;
            }
        }

        if (sandbox is not null)
            await sandbox.KillAsync();
    }

    // What a machine that waits and the session that takes it must have in common.
    private sealed record MachineKind(string Image, string HostName, SandboxLimits Limits, bool Egress);
}
