using System.Globalization;

namespace Porthole.Sandboxes;

/// <summary>
/// Limits of memory, processes and processor time by control groups (cgroups(7)), one set for each sandbox, in whichever version
/// this host has. What cannot be limited is named in <see cref="Missing"/>.
/// </summary>
internal sealed class Cgroups
{
    // The scheduler's default of both versions; longer periods let a busy session stand still for longer.
    private const int PeriodMicroseconds = 100_000;

    // The kernel empties a group shortly after its last process has gone.
    private static readonly TimeSpan RemovalTimeout = TimeSpan.FromSeconds(5), RemovalRetry = TimeSpan.FromMilliseconds(2);

    private readonly IReadOnlyList<CgroupParent> _parents;

    /// <summary>Takes the places where groups can be made.</summary>
    public Cgroups(IReadOnlyList<CgroupParent> parents) => _parents = parents;

    /// <summary>What this host lets nobody limit, of "memory", "pids" and "cpu".</summary>
    public IReadOnlyList<string> Missing => [.. CgroupParent.Controllers.Except(_parents.SelectMany(parent => parent.Available))];

    /// <summary>Where processes belong that serve a sandbox from outside; empty when they stay in the server's own group.</summary>
    public IReadOnlyList<string> Helpers => [.. _parents.Select(parent => parent.Helpers).OfType<string>()];

    /// <summary>The groups that a sandbox will have, made or not.</summary>
    public IReadOnlyList<string> DirectoriesFor(string id) => [.. _parents.Select(parent => Path.Combine(parent.Directory, "porthole-" + id))];

    /// <summary>Where a sandbox sees its groups: runtimes size themselves by the limits that they find there.</summary>
    public IEnumerable<(string Source, string Target)> ViewsFor(string id) => DirectoriesFor(id).Zip(_parents, (directory, parent) => (directory, parent.Mount));

    /// <summary>Makes a sandbox's groups with their limits; the launcher joins them.</summary>
    /// <exception cref="SandboxException">The kernel refused.</exception>
    public void Create(string id, SandboxLimits limits)
    {
        try
        {
            foreach (var (parent, directory) in _parents.Zip(DirectoriesFor(id)))
            {
                CgroupParent.Make(directory);
                foreach (var controller in parent.Available)
                    Limit(controller, directory, parent.IsUnified, limits);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new SandboxException($"the session's limits could not be set ({failure.Message}): porthole doctor shows which control groups this server may write", failure);
        }
    }

    /// <summary>Removes groups whose processes have ended.</summary>
    /// <exception cref="IOException">Something still runs in one of them.</exception>
    public static async Task RemoveAsync(IEnumerable<string> directories)
    {
        var started = TimeProvider.System.GetTimestamp();
        foreach (var directory in directories)
        {
            while (Directory.Exists(directory))
            {
                try
                {
                    Directory.Delete(directory);
                }
                catch (IOException) when (TimeProvider.System.GetElapsedTime(started) < RemovalTimeout)
                {
                    await Task.Delay(RemovalRetry);
                }
            }
        }
    }

    private static void Limit(string controller, string directory, bool unified, SandboxLimits limits)
    {
        switch (controller)
        {
            case "memory":
                Write(directory, unified ? "memory.max" : "memory.limit_in_bytes", limits.MemoryBytes);

                // No way around it through swap: v1 counts both together, v2 apart. Kernels may be built without.
                var swap = unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes";
                if (File.Exists(Path.Combine(directory, swap)))
                    Write(directory, swap, unified ? 0 : limits.MemoryBytes);
                break;
            case "pids":
                Write(directory, "pids.max", limits.Processes);
                break;
            case "cpu":
                var quota = (long)(limits.Cpus * PeriodMicroseconds);
                if (unified)
                {
                    Write(directory, "cpu.max", $"{quota} {PeriodMicroseconds}");
                    break;
                }

                Write(directory, "cpu.cfs_period_us", PeriodMicroseconds);
                Write(directory, "cpu.cfs_quota_us", quota);
                break;
        }
    }

    private static void Write(string directory, string file, IFormattable value) => Write(directory, file, value.ToString(null, CultureInfo.InvariantCulture));

    private static void Write(string directory, string file, string value) => File.WriteAllText(Path.Combine(directory, file), value);
}
