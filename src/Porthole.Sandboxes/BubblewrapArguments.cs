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
        "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",

        // Root inside, nobody in particular outside, without capabilities in either place.
        "--uid", "0", "--gid", "0", "--cap-drop", "ALL",
    ];

    /// <summary>One user id, and no way to make namespaces that would have capabilities.</summary>
    public static readonly string[] OneUser = ["--unshare-user", "--disable-userns"];

    // Of those that container tools give, what acts on the sandbox's own ids, files and processes, and nothing else: an image's programs become
    // other users, and install files for them.
    private static readonly string[] Capabilities =
        ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_NET_BIND_SERVICE"];

    private static readonly string[] ManyUsers =
        ["--userns", SandboxDescriptors.UserNamespace.ToString(CultureInfo.InvariantCulture), .. Capabilities.SelectMany(name => (string[])["--cap-add", name])];

    /// <summary>A whole command that makes a sandbox as ours are, and ends.</summary>
    public static IReadOnlyList<string> Probe(string bubblewrap) =>
        [bubblewrap, .. OneUser, .. Namespaces, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"];

    /// <summary>The options, each a word.</summary>
    /// <param name="spec">What the sandbox shall be.</param>
    /// <param name="view">What it sees of the host.</param>
    /// <param name="hasFilter">Whether there is a seccomp filter for this architecture.</param>
    public static IEnumerable<string> For(SandboxSpec spec, SandboxView view, bool hasFilter) =>
    [
        .. Namespaces, .. view.HasManyUsers ? ManyUsers : OneUser, "--hostname", spec.HostName,
        "--bind", view.Root, "/",
        "--ro-bind", view.Guest, GuestPath,
        "--proc", "/proc",

        // Half of the memory: a full /dev/shm must leave room to notice and delete. /dev itself takes no files.
        "--dev", "/dev", "--perms", "1777", "--size", (spec.Limits.MemoryBytes / 2).ToString(CultureInfo.InvariantCulture), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
        .. view.ReadOnly.SelectMany(shown => (string[])["--ro-bind", shown.Source, shown.Target]),
        .. view.Writable.SelectMany(shown => (string[])["--bind", shown.Source, shown.Target]),
        "--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu",
        "--chdir", "/", "--clearenv",
        "--info-fd", SandboxDescriptors.Info.ToString(CultureInfo.InvariantCulture),
        "--sync-fd", SandboxDescriptors.Lifetime.ToString(CultureInfo.InvariantCulture),
        .. hasFilter ? (string[])["--seccomp", SandboxDescriptors.Seccomp.ToString(CultureInfo.InvariantCulture)] : [],
    ];
}
