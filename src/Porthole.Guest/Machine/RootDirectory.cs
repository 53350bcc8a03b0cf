using Porthole.Posix;

namespace Porthole.Guest.Machine;

/// <summary>
/// The root directory of the machine's programs: a disk that cannot be written, and over it the session's own. The disk may be an image, and so a
/// stranger's: no link in it leads out of it, and neither setuid programs nor devices in it have any power, as in every sandbox.
/// </summary>
internal static class RootDirectory
{
    private const string BaseDisk = "/dev/vda", OwnDisk = "/dev/vdb", Base = "/base", Own = "/own", Root = "/root";

    private static readonly string[] Moved = ["/proc", "/sys", "/dev"];

    /// <summary>Mounts the disk that all machines of this kind share.</summary>
    /// <exception cref="PosixException">It holds no file system that this kernel knows.</exception>
    public static void MountBase()
    {
        Directory.CreateDirectory(Base);
        if (Libc.Mount(BaseDisk, Base, "squashfs", Libc.MS_RDONLY | Libc.MS_NODEV, null) < 0)
            throw PosixException.FromLast($"mount {BaseDisk}");
    }

    /// <summary>Mounts the session's disk over it, and makes both the root directory of this process and all that it starts.</summary>
    /// <exception cref="PosixException">The disk cannot be used.</exception>
    public static void Enter()
    {
        Directory.CreateDirectory(Own);
        Directory.CreateDirectory(Root);

        // noinit_itable: zeroing inode tables in the background would fill the sparse disk for nothing.
        if (Libc.Mount(OwnDisk, Own, "ext4", Libc.MS_NODEV | Libc.MS_NOATIME, "noinit_itable,discard") < 0)
            throw PosixException.FromLast($"mount {OwnDisk}");
        Directory.CreateDirectory(Own + "/upper");
        Directory.CreateDirectory(Own + "/work");
        if (Libc.Mount("root", Root, "overlay", Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOATIME, $"lowerdir={Base},upperdir={Own}/upper,workdir={Own}/work") < 0)
            throw PosixException.FromLast("lay the session's disk over the base");
        foreach (var directory in Moved)
        {
            if (Libc.Mount(directory, InnerFiles.Directory(Root, directory, 0), null, Libc.MS_MOVE, null) < 0)
                throw PosixException.FromLast($"take {directory} along");
        }

        InnerFiles.Directory(Root, "root", 0);
        InnerFiles.Directory(Root, "tmp", 0);
        Directory.SetCurrentDirectory(Root);
        if (Libc.Mount(".", "/", null, Libc.MS_MOVE, null) < 0 || Libc.ChRoot(".") < 0)
            throw PosixException.FromLast("make the overlay the root directory");
        Directory.SetCurrentDirectory("/");
    }
}
