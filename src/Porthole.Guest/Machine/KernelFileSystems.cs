using Porthole.Posix;

namespace Porthole.Guest.Machine;

/// <summary>The file systems that the kernel itself fills.</summary>
internal static class KernelFileSystems
{
    private const nuint Harmless = Libc.MS_NOSUID | Libc.MS_NOEXEC;

    /// <summary>Mounts them in a machine that has nothing yet.</summary>
    /// <exception cref="PosixException">The kernel lacks one of them.</exception>
    public static void Mount()
    {
        Mount("proc", "/proc", Harmless | Libc.MS_NODEV, null);
        Mount("sysfs", "/sys", Harmless | Libc.MS_NODEV, null);
        Mount("devtmpfs", "/dev", Harmless, "mode=0755");
        Mount("devpts", "/dev/pts", Harmless, "mode=0620,gid=5,ptmxmode=0666");
        Mount("tmpfs", "/dev/shm", Libc.MS_NOSUID | Libc.MS_NODEV, "mode=1777");

        // Made by nobody else: what programs open by these names (proc(5)).
        foreach (var (name, target) in ((string, string)[])[("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")])
            File.CreateSymbolicLink("/dev/" + name, target);
    }

    private static void Mount(string type, string directory, nuint flags, string? options)
    {
        Directory.CreateDirectory(directory);
        if (Libc.Mount(type, directory, type, flags, options) < 0)
            throw PosixException.FromLast($"mount {directory}");
    }
}
