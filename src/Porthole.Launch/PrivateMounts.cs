using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>
/// Mounts that only this process and its descendants see, and that the kernel takes away with the last of them.
/// They give the session's files neutral places that its unprivileged user id can reach, wherever the data directory is.
/// </summary>
internal static class PrivateMounts
{
    /// <summary>Leaves the host's mount namespace.</summary>
    public static void Unshare()
    {
        if (Libc.Unshare(Libc.CLONE_NEWNS) < 0)
            throw PosixException.FromLast("make a mount namespace");

        // Slave, not private: what the host unmounts later must vanish here too, or a session would keep its disks busy.
        if (Libc.Mount(null, "/", null, Libc.MS_REC | Libc.MS_SLAVE, null) < 0)
            throw PosixException.FromLast("make the mounts private");
    }

    /// <summary>Covers a directory with an empty one in memory, searchable by all. Devices made in it work.</summary>
    public static void Tmpfs(string directory)
    {
        // It holds mount points and device nodes only.
        if (Libc.Mount("porthole", directory, "tmpfs", Libc.MS_NOSUID | Libc.MS_NOEXEC, "mode=0755,size=1m") < 0)
            throw PosixException.FromLast($"mount a tmpfs on {directory}");
    }

    /// <summary>Makes a character device that everyone may use.</summary>
    public static void Device(string path, uint major, uint minor)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        MakeNode(path, Libc.S_IFCHR, major, minor);
        File.SetUnixFileMode(path, (UnixFileMode)0x1B6);
    }

    /// <summary>Makes a device node for its owner, unless it is there already.</summary>
    public static void MakeNode(string path, uint kind, uint major, uint minor)
    {
        const uint ownerOnly = 0x180;
        if (Libc.MkNod(path, kind | ownerOnly, ((ulong)major << 8) | (minor & 0xff) | ((ulong)(minor & ~0xffu) << 12)) < 0 && Errno.Last != Errno.EEXIST)
            throw PosixException.FromLast($"make the device {path}");
    }

    /// <summary>Makes a mount the root directory, so that nothing else can be reached: as the first process of a host leaves its initial file system.</summary>
    public static void BecomeRoot(string mount)
    {
        Directory.SetCurrentDirectory(mount);
        if (Libc.Mount(".", "/", null, Libc.MS_MOVE, null) < 0 || Libc.ChRoot(".") < 0)
            throw PosixException.FromLast($"make {mount} the root directory");
        Directory.SetCurrentDirectory("/");
    }

    /// <summary>Takes a mount, with all that is mounted in it, to another directory, which it covers.</summary>
    public static void Move(string source, string target)
    {
        if (Libc.Mount(source, target, null, Libc.MS_MOVE, null) < 0)
            throw PosixException.FromLast($"move the mount {source} to {target}");
    }

    /// <summary>Shows a file or directory at a second place, which is made.</summary>
    public static void Bind(string source, string target, bool readOnly)
    {
        if (File.Exists(source))
            File.WriteAllBytes(target, []);
        else
            Directory.CreateDirectory(target);
        if (Libc.Mount(source, target, null, Libc.MS_BIND, null) < 0)
            throw PosixException.FromLast($"bind {source} to {target}");
        const nuint always = Libc.MS_REMOUNT | Libc.MS_BIND | Libc.MS_NOSUID | Libc.MS_NODEV;
        if (Libc.Mount(null, target, null, readOnly ? always | Libc.MS_RDONLY : always, null) < 0)
            throw PosixException.FromLast($"bind {source} to {target}, flags");
    }
}
