using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Machine;

/// <summary>
/// The root directory of the machine's programs: a disk that cannot be written, and over it the session's own. The disk may be an image, and so a
/// stranger's: no link in it leads out of it, and neither setuid programs nor devices in it have any power, as in every sandbox.
/// </summary>
internal static class RootDirectory
{
    private const string BaseDisk = "/dev/vda", OwnDisk = "/dev/vdb", Base = "/base", Own = "/own", Root = "/root";

    private static readonly string[] Moved = ["/proc", "/sys", "/dev"];

    // File systems that outlive the machine.
    private static readonly List<Descriptor> Lasting = [];

    /// <summary>Mounts the disk that all machines of this kind share.</summary>
    /// <exception cref="PosixException">It holds no file system that this kernel knows.</exception>
    public static void MountBase()
    {
        Directory.CreateDirectory(Base);
        if (Libc.Mount(BaseDisk, Base, "squashfs", Libc.MS_RDONLY | Libc.MS_NODEV, null) < 0)
            throw PosixException.FromLast($"mount {BaseDisk}");
        CommonFiles.Read(Base);
    }

    /// <summary>Mounts the session's disk over it, and makes both the root directory of this process and all that it starts.</summary>
    /// <param name="mounts">The disks behind these two.</param>
    /// <exception cref="PosixException">A disk cannot be used.</exception>
    public static void Enter(IReadOnlyList<MachineMount> mounts)
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
        for (var number = 0; number < mounts.Count; number++)
            Mount(mounts[number], $"/dev/vd{(char)('c' + number)}", $"/disk{number}");
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

    /// <summary>Waits until what was written to storage is on its disk.</summary>
    public static void WriteBack()
    {
        foreach (var place in Lasting)
        {
            try
            {
                place.SyncFileSystem();
            }
            catch (PosixException error)
            {
                GuestLog.Write($"what was stored is not all on its disk: {error.Message}");
            }
        }
    }

    private static void Mount(MachineMount mount, string disk, string place)
    {
        const nuint flags = Libc.MS_NOSUID | Libc.MS_NODEV;
        var target = InnerFiles.Directory(Root, mount.Target, 0);
        if (!mount.IsLasting)
        {
            if (Libc.Mount(disk, target, "squashfs", flags | Libc.MS_RDONLY, null) < 0)
                throw PosixException.FromLast($"mount {disk}");
            return;
        }

        Directory.CreateDirectory(place);
        if (Libc.Mount(disk, place, "ext4", flags | Libc.MS_NOATIME, "noinit_itable,discard") < 0)
            throw PosixException.FromLast($"mount {disk}");
        var data = Directory.CreateDirectory(Path.Combine(place, MachineMount.DataName)).FullName;
        if (Libc.Mount(data, target, null, Libc.MS_BIND, null) < 0)
            throw PosixException.FromLast($"show {disk}");
        Lasting.Add(Descriptor.Open(data, Libc.O_RDONLY | Libc.O_DIRECTORY));
    }
}
