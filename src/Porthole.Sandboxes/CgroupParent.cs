using System.Globalization;

namespace Porthole.Sandboxes;

/// <summary>A control group in which this server may make groups.</summary>
/// <param name="Directory">Its directory.</param>
/// <param name="Mount">Where its hierarchy is mounted.</param>
/// <param name="IsUnified">Version 2.</param>
/// <param name="Available">What its groups can limit, of <see cref="Controllers"/>.</param>
/// <param name="Helpers">Group for processes that serve sandboxes from outside; null to leave them in the server's own.</param>
internal sealed record CgroupParent(string Directory, string Mount, bool IsUnified, IReadOnlyList<string> Available, string? Helpers)
{
    /// <summary>What sandboxes are limited in.</summary>
    public static readonly string[] Controllers = ["memory", "pids", "cpu"];

    /// <summary>Finds out by trying where groups can be made.</summary>
    /// <param name="membership">The text of /proc/self/cgroup.</param>
    /// <param name="mounts">The text of /proc/self/mountinfo.</param>
    /// <param name="isRoot">Whether places outside of the server's own group may be tried.</param>
    public static IReadOnlyList<CgroupParent> Detect(string membership, string mounts, bool isRoot)
    {
        var found = new List<CgroupParent>();
        foreach (var hierarchy in CgroupHierarchy.Parse(membership, mounts))
        {
            if ((hierarchy.IsUnified ? DetectUnified(hierarchy, isRoot) : DetectVersion1(hierarchy)) is { } parent)
                found.Add(parent);
        }

        return found;
    }

    /// <summary>The places of this host.</summary>
    public static IReadOnlyList<CgroupParent> Detect() =>
        Detect(File.ReadAllText("/proc/self/cgroup"), File.ReadAllText("/proc/self/mountinfo"), Environment.IsPrivilegedProcess);

    /// <summary>Makes a group that everybody may look at, those inside too; whatever the server's umask.</summary>
    public static void Make(string directory)
    {
        System.IO.Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
    }

    private static CgroupParent? DetectVersion1(CgroupHierarchy hierarchy)
    {
        var controllers = Controllers.Intersect(hierarchy.Controllers).ToArray();
        return controllers.Length > 0 && CanMakeGroups(hierarchy.Own) ? new CgroupParent(hierarchy.Own, hierarchy.Mount, false, controllers, null) : null;
    }

    private static CgroupParent? DetectUnified(CgroupHierarchy hierarchy, bool isRoot)
    {
        if (!Words(Path.Combine(hierarchy.Own, "cgroup.controllers")).Intersect(Controllers).Any())
            return null;

        // Outside of the service's own group where we may: systemd ends or restarts a service by its group, and sessions must outlive both.
        var apart = Path.Combine(hierarchy.Mount, "porthole");
        if (isRoot && hierarchy.Own != hierarchy.Mount && TryEnable(hierarchy.Mount) && TryMake(apart) && TryEnable(apart))
        {
            var helpers = Path.Combine(apart, "helpers");
            return TryMake(helpers) ? Unified(apart, hierarchy.Mount, helpers) : null;
        }

        if (!CanMakeGroups(hierarchy.Own))
            return null;
        if (!TryEnable(hierarchy.Own))
        {
            // A group that has processes cannot give controllers to its groups: step down into one (cgroups(7), "no internal processes").
            var server = Path.Combine(hierarchy.Own, "porthole-server");
            if (!TryMake(server) || !TryWrite(Path.Combine(server, "cgroup.procs"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture)) || !TryEnable(hierarchy.Own))
                return null;
        }

        return Unified(hierarchy.Own, hierarchy.Mount, null);
    }

    private static CgroupParent? Unified(string directory, string mount, string? helpers)
    {
        var controllers = Controllers.Intersect(Words(Path.Combine(directory, "cgroup.subtree_control"))).ToArray();
        return controllers.Length > 0 ? new CgroupParent(directory, mount, true, controllers, helpers) : null;
    }

    // True when all controllers that the directory has, of ours, are given to its groups.
    private static bool TryEnable(string directory)
    {
        var wanted = Controllers.Intersect(Words(Path.Combine(directory, "cgroup.controllers"))).ToArray();
        var control = Path.Combine(directory, "cgroup.subtree_control");
        var lacking = wanted.Except(Words(control)).ToArray();
        return wanted.Length > 0 && (lacking.Length == 0 || TryWrite(control, string.Join(' ', lacking.Select(name => "+" + name))));
    }

    private static string[] Words(string file) =>
        File.Exists(file) ? File.ReadAllText(file).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries) : [];

    private static bool CanMakeGroups(string directory)
    {
        var probe = Path.Combine(directory, $"porthole-probe-{Guid.NewGuid():N}");
        if (!TryMake(probe))
            return false;
        System.IO.Directory.Delete(probe);
        return true;
    }

    private static bool TryMake(string directory)
    {
        try
        {
            Make(directory);
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool TryWrite(string file, string text)
    {
        try
        {
            File.WriteAllText(file, text);
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
