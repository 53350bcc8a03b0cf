using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>Mounts a file that holds an ext4 file system.</summary>
internal static unsafe class LoopImage
{
    // Device numbers of the kernel's devices.txt: loop devices are block major 7, loop-control is a "misc" character device.
    private const uint LoopMajor = 7, MiscMajor = 10, LoopControlMinor = 237;

    // Another process may take the free device between our question and our answer; each round means that one did.
    private const int Attempts = 64;

    // The last user of an image may have ended a moment ago, and its mount be on its way out.
    private const int LockAttempts = 250;
    private static readonly TimeSpan LockRetry = TimeSpan.FromMilliseconds(20);

    // struct loop_config of linux/loop.h: fd, block_size, struct loop_info64 (232 bytes, lo_flags at 52), 8 reserved u64.
    private const int ConfigBytes = 8 + 232 + 64, FlagsOffset = 8 + 52;

    /// <summary>
    /// Mounts the image at a directory, which is made. The loop device is released by the kernel together with the mount.
    /// Its node is our own, beside the mount point: /dev may lack it (containers).
    /// </summary>
    public static void Mount(string image, string target)
    {
        Directory.CreateDirectory(target);

        // Those inside see the device's name as we write it to mount(2): a relative one tells nothing about the host's directories.
        Directory.SetCurrentDirectory(Path.GetDirectoryName(target)!);
        var name = Path.GetFileName(target);
        using var file = Descriptor.Open(image, Libc.O_RDWR);
        Lock(file, image);
        using var control = Device(name + ".control", Libc.S_IFCHR, MiscMajor, LoopControlMinor);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var number = Libc.Ioctl(control.Number, Libc.LOOP_CTL_GET_FREE, null);
            if (number < 0)
                throw PosixException.FromLast("find a free loop device");
            var node = $"{name}.loop{number}";
            using var loop = Device(node, Libc.S_IFBLK, LoopMajor, (uint)number);
            if (!TryConfigure(loop, file))
                continue;

            // noinit_itable: zeroing inode tables in the background would fill the sparse image for nothing.
            if (Libc.Mount(node, target, "ext4", Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOATIME, "noinit_itable") < 0)
                throw PosixException.FromLast($"mount {image}");
            return;
        }

        throw new IOException($"every loop device was taken {Attempts} times in a row");
    }

    // The loop device keeps our open file, and with it the lock, for as long as it is mounted: two mounts of one image would destroy it.
    private static void Lock(Descriptor file, string image)
    {
        for (var attempt = 0; Libc.Flock(file.Number, Libc.LOCK_EX | Libc.LOCK_NB) < 0; attempt++)
        {
            if (Errno.Last != Errno.EAGAIN || attempt == LockAttempts)
                throw PosixException.FromLast($"have {image} for this session alone");
            Thread.Sleep(LockRetry);
        }
    }

    private static bool TryConfigure(Descriptor loop, Descriptor file)
    {
        var config = stackalloc byte[ConfigBytes];
        new Span<byte>(config, ConfigBytes).Clear();
        *(int*)config = file.Number;
        *(int*)(config + FlagsOffset) = Libc.LO_FLAGS_AUTOCLEAR;
        if (Libc.Ioctl(loop.Number, Libc.LOOP_CONFIGURE, config) == 0)
            return true;
        return Errno.Last == Errno.EBUSY ? false : throw PosixException.FromLast("set up a loop device");
    }

    private static Descriptor Device(string path, uint kind, uint major, uint minor)
    {
        PrivateMounts.MakeNode(path, kind, major, minor);
        return Descriptor.Open(path, Libc.O_RDWR);
    }
}
