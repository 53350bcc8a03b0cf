using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Sandboxes.Machines;
using Porthole.Sandboxes.Seccomp;

namespace Porthole.Sandboxes;

/// <summary>Finds out, by trying where that is possible, what this host can do for sandboxes.</summary>
public static class HostChecks
{
    // A small build or an unpacked archive.
    private const long LowDiskBytes = 2L << 30, LowMemoryBytes = 1L << 30;

    /// <summary>Makes all checks; takes some tens of milliseconds.</summary>
    /// <param name="options">The settings that a server would run with; the cache directory is made when missing, and used.</param>
    /// <param name="cancel">Ends the checks early.</param>
    public static async Task<IReadOnlyList<HostCheck>> RunAsync(SandboxOptions options, CancellationToken cancel = default)
    {
        var mountPoint = Directory.CreateDirectory(Path.Combine(options.CacheDirectory, "mounts")).FullName;
        using var loop = new EventLoop("checks");
        loop.Start();
        try
        {
            return
            [
                CheckUser(),
                CheckPrograms(options),
                await CheckBubblewrapAsync(loop, options, mountPoint, cancel),
                CheckSeccomp(),
                CheckCgroups(),
                await CheckDisksAsync(loop, options, mountPoint, cancel),
                CheckNetwork(),
                CheckImageTools(),
                CheckFreeDisk(options.CacheDirectory),
                CheckMemory(),
                await CheckMicroVmsAsync(loop, options, mountPoint),
            ];
        }
        finally
        {
            loop.Stop();
            loop.Join();
        }
    }

    private static HostCheck CheckUser() => Environment.IsPrivilegedProcess
        ? new("user", HostCheckStatus.Ok, "root: each session gets a user id, a disk and control groups of its own", null)
        : new("user", HostCheckStatus.Warn, "an ordinary user: sessions are kept apart by namespaces only, as all of them run under this user's id", "run the server as root; it gives up its rights in all that runs in sessions");

    private static HostCheck CheckPrograms(SandboxOptions options)
    {
        var missing = ((string[])[options.LaunchPath, options.GuestPath]).Where(program => !File.Exists(program)).ToList();
        return missing.Count == 0
            ? new("programs", HostCheckStatus.Ok, "the launcher and the guest are there", null)
            : new("programs", HostCheckStatus.Fail, $"{string.Join(" and ", missing)} missing", "run make build");
    }

    private static async Task<HostCheck> CheckBubblewrapAsync(EventLoop loop, SandboxOptions options, string mountPoint, CancellationToken cancel)
    {
        const string name = "bubblewrap";
        if (HostTool.Find("bwrap") is not { } bubblewrap)
            return new(name, HostCheckStatus.Fail, "bwrap is missing, and with it every session", "install the package bubblewrap");
        var command = BubblewrapArguments.Probe(bubblewrap);
        if (Environment.IsPrivilegedProcess && File.Exists(options.LaunchPath))
            command = [options.LaunchPath, .. new LaunchPlan().PrivateMounts().Tmpfs(mountPoint).BecomeUser(options.FirstUserId).Exec([.. command]).Arguments.Skip(1)];
        var (succeeded, output) = await HostCommand.RunAsync(loop, command, cancel);
        return succeeded
            ? new(name, HostCheckStatus.Ok, "bwrap makes sandboxes", null)
            : new(name, HostCheckStatus.Fail, $"bwrap cannot make a sandbox: {output}", Advice(output));
    }

    // The ways in which distributions forbid user namespaces.
    private static string Advice(string output)
    {
        if (output.Contains("Unknown option", StringComparison.Ordinal))
            return "install bubblewrap 0.8 or newer";
        if (ReadsAs("/proc/sys/kernel/unprivileged_userns_clone", "0"))
            return "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1";
        if (ReadsAs("/proc/sys/user/max_user_namespaces", "0"))
            return "allow user namespaces: sysctl user.max_user_namespaces=10000";
        if (ReadsAs("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
            return "allow user namespaces to bwrap by an AppArmor profile, or to all: sysctl kernel.apparmor_restrict_unprivileged_userns=0";
        return "allow user namespaces and mounts in them; in a container, start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --cap-add SYS_ADMIN";
    }

    private static bool ReadsAs(string file, string text) => File.Exists(file) && File.ReadAllText(file).Trim() == text;

    private static HostCheck CheckSeccomp()
    {
        if (SeccompFilter.For(RuntimeInformation.ProcessArchitecture) is null)
            return new("seccomp", HostCheckStatus.Warn, $"there is no filter for {RuntimeInformation.ProcessArchitecture}: sessions may make every system call", "run on x86-64 or arm64");
        return Directory.Exists("/proc/sys/kernel/seccomp")
            ? new("seccomp", HostCheckStatus.Ok, "sessions cannot make system calls that lead out of them", null)
            : new("seccomp", HostCheckStatus.Fail, "this kernel filters no system calls, and no session starts without", "run a kernel with CONFIG_SECCOMP_FILTER");
    }

    private static HostCheck CheckCgroups()
    {
        var parents = CgroupParent.Detect();
        var missing = new Cgroups(parents).Missing;
        if (missing.Count == 0)
            return new("control groups", HostCheckStatus.Ok, $"version {(parents.Any(parent => parent.IsUnified) ? 2 : 1)}: memory, processes and processors of each session are limited", null);
        return new("control groups", HostCheckStatus.Warn, $"nothing limits {string.Join(", ", missing)} of a session{(missing.Contains("pids") ? "; processes are limited by setrlimit instead" : "")}",
            Environment.IsPrivilegedProcess
                ? "give this server a writable cgroup hierarchy with the controllers memory, pids and cpu"
                : "start the server with systemd-run --user --scope -p Delegate=yes, or as root");
    }

    private static async Task<HostCheck> CheckDisksAsync(EventLoop loop, SandboxOptions options, string mountPoint, CancellationToken cancel)
    {
        const string name = "session disks";
        string? problem = null;
        var disks = File.Exists(options.LaunchPath)
            ? await DiskImages.TryCreateAsync(loop, options with { Warn = text => problem = text }, SessionFiles.Build(Path.Combine(options.CacheDirectory, "files")), mountPoint, cancel)
            : null;
        return disks is not null
            ? new(name, HostCheckStatus.Ok, "each session has a disk of limited size", null)
            : new(name, HostCheckStatus.Warn, problem ?? "they cannot be tried without the launcher", "run as root on a host with loop devices and mkfs.ext4 (package e2fsprogs)");
    }

    private static HostCheck CheckNetwork() => UserModeNetwork.Problem() is { } problem
        ? new("network", HostCheckStatus.Warn, "sessions have no way out", problem)
        : new("network", HostCheckStatus.Ok, "slirp4netns takes sessions to the world, and not to this host", null);

    private static HostCheck CheckImageTools()
    {
        // In Debian, packages of the same names.
        var missing = ((string[])["skopeo", "umoci"]).Where(static tool => HostTool.Find(tool) is null).ToList();
        return missing.Count == 0
            ? new("images", HostCheckStatus.Ok, "skopeo gets images, and umoci unpacks them", null)
            : new("images", HostCheckStatus.Warn, $"runtimes are made of the host's tools and of code only: {string.Join(" and ", missing)} missing", $"apt-get install {string.Join(' ', missing)}");
    }

    private static HostCheck CheckFreeDisk(string directory)
    {
        var free = HostLimits.FreeDisk(directory);
        var found = $"{free >> 20} MB free; a session may write {HostLimits.Default(directory).DiskBytes >> 20} MB unless set otherwise";
        return free >= LowDiskBytes
            ? new("disk", HostCheckStatus.Ok, found, null)
            : new("disk", HostCheckStatus.Warn, found, $"free space in {directory}, or move the data directory");
    }

    private static HostCheck CheckMemory()
    {
        var memory = HostLimits.MemoryOfHost();
        var limits = HostLimits.Default("/");
        var found = $"{memory >> 20} MB, {Environment.ProcessorCount} processors; a session may use {limits.MemoryBytes >> 20} MB and {limits.Cpus} processors unless set otherwise";
        return memory >= LowMemoryBytes
            ? new("memory", HostCheckStatus.Ok, found, null)
            : new("memory", HostCheckStatus.Warn, found, "a host with at least 1 GB runs sessions comfortably");
    }

    private static async Task<HostCheck> CheckMicroVmsAsync(EventLoop loop, SandboxOptions options, string mountPoint)
    {
        const string name = "microVMs";
        var wanted = options.Isolation == IsolationChoice.MicroVm;

        // Looking must not make what is not there.
        if (!Directory.Exists(options.MachineDirectory))
            options = options with { MachineDirectory = options.CacheDirectory };
        var image = new BaseImage(loop, options, options.MachineDirectory, "bwrap", mountPoint);
        if (MachineParts.TryFind(loop, options, image, out var missing) is not { } parts)
        {
            return wanted
                ? new(name, HostCheckStatus.Fail, "sessions shall be microVMs, and none can start", missing)
                : new(name, HostCheckStatus.Ok, $"sessions are namespaces; for microVMs, {missing}", null);
        }

        if (!File.Exists(options.GuestPath))
            return new(name, HostCheckStatus.Warn, "they cannot be tried without the guest", "run make build");
        var accelerator = await parts.FindAcceleratorAsync();
        if (accelerator.IsHardware)
            return new(name, HostCheckStatus.Ok, $"hardware virtualisation works: sessions are {(options.Isolation == IsolationChoice.Namespace ? "namespaces, as the setting says" : "microVMs")}", null);
        return wanted
            ? new(name, HostCheckStatus.Warn, $"sessions are microVMs, emulated ({accelerator.Reason}): QEMU promises no isolation then, the sandbox around it is the boundary", "run on a host with working KVM")
            : new(name, HostCheckStatus.Ok, $"sessions are namespaces: microVMs would be emulated ({accelerator.Reason}); --isolation microvm makes them so all the same", null);
    }
}
