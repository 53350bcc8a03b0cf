namespace Porthole.Sandboxes;

/// <summary>A mounted hierarchy of control groups, and the server's own place in it.</summary>
/// <param name="Mount">Where it is mounted.</param>
/// <param name="Own">Directory of the group that the server is in.</param>
/// <param name="IsUnified">Version 2.</param>
/// <param name="Controllers">What it controls; for version 2 the directories themselves say so.</param>
internal sealed record CgroupHierarchy(string Mount, string Own, bool IsUnified, IReadOnlyList<string> Controllers)
{
    /// <summary>Reads /proc/self/cgroup and /proc/self/mountinfo (cgroups(7), proc_pid_mountinfo(5)).</summary>
    public static IReadOnlyList<CgroupHierarchy> Parse(string membership, string mounts)
    {
        var found = new List<CgroupHierarchy>();
        foreach (var line in mounts.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 36 35 98:0 ROOT MOUNT options [optional fields] - TYPE source super-options
            var halves = line.Split(" - ", 2);
            var fields = halves[0].Split(' ');
            var file = halves.Length == 2 ? halves[1].Split(' ') : [];
            if (fields.Length < 5 || file.Length < 3 || file[0] is not ("cgroup" or "cgroup2"))
                continue;
            var unified = file[0] == "cgroup2";
            string[] controllers = unified ? [] : file[2].Split(',');
            if (PathOf(membership, controllers) is { } path)
                found.Add(new CgroupHierarchy(fields[4], Below(fields[3], fields[4], path), unified, controllers));
        }

        return found;
    }

    // hierarchy-ID:controllers:path; version 2 has no controllers there.
    private static string? PathOf(string membership, string[] controllers) =>
        membership.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(':', 3))
            .Where(parts => parts.Length == 3 && (controllers.Length == 0 ? parts[1].Length == 0 : parts[1].Split(',').Any(name => controllers.Contains(name))))
            .Select(parts => parts[2])
            .FirstOrDefault();

    // In a container the mount may begin deeper than the path, which then starts with the mount's root.
    private static string Below(string root, string mount, string path)
    {
        var relative = root != "/" && path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..] : path;
        var directory = Path.Combine(mount, relative.TrimStart('/')).TrimEnd('/');
        return Directory.Exists(directory) ? directory : mount;
    }
}
