using System.Globalization;

namespace Porthole.Sandboxes;

/// <summary>bubblewrap's options for a session (bwrap(1)).</summary>
internal static class BubblewrapArguments
{
    // Where the guest program is seen inside.
    public const string GuestPath = "/run/porthole/guest";

    /// <summary>What every sandbox has for itself.</summary>
    public static readonly string[] Namespaces =
    [
        "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",

        // Root inside, nobody in particular outside, without capabilities in either place, and no way to make namespaces that would have some.
        "--uid", "0", "--gid", "0", "--disable-userns",
    ];

    /// <summary>A whole command that makes a sandbox as ours are, and ends.</summary>
    public static IReadOnlyList<string> Probe(string bubblewrap) =>
        [bubblewrap, .. Namespaces, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"];

    /// <summary>The options, each a word.</summary>
    /// <param name="spec">What the sandbox shall be.</param>
    /// <param name="root">Directory on the host that becomes / inside.</param>
    /// <param name="guest">The guest program on the host.</param>
    /// <param name="readOnly">Files and directories of the host that are shown read-only, and where.</param>
    /// <param name="hasFilter">Whether there is a seccomp filter for this architecture.</param>
    public static IEnumerable<string> For(SandboxSpec spec, string root, string guest, IEnumerable<(string Source, string Target)> readOnly, bool hasFilter) =>
    [
        .. Namespaces, "--hostname", spec.HostName,
        "--bind", root, "/",
        "--ro-bind", guest, GuestPath,
        "--proc", "/proc",

        // Half of the memory: a full /dev/shm must leave room to notice and delete. /dev itself takes no files.
        "--dev", "/dev", "--perms", "1777", "--size", (spec.Limits.MemoryBytes / 2).ToString(CultureInfo.InvariantCulture), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
        .. readOnly.SelectMany(shown => (string[])["--ro-bind", shown.Source, shown.Target]),
        "--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu",
        "--chdir", "/", "--clearenv",
        "--info-fd", SandboxDescriptors.Info.ToString(CultureInfo.InvariantCulture),
        "--sync-fd", SandboxDescriptors.Lifetime.ToString(CultureInfo.InvariantCulture),
        .. hasFilter ? (string[])["--seccomp", SandboxDescriptors.Seccomp.ToString(CultureInfo.InvariantCulture)] : [],
    ];
}
