using System.Runtime.InteropServices;

namespace Porthole.Posix;

#pragma warning disable CS1591, CA1401, SYSLIB1054 // See Libc.cs.

// Namespaces, mounts, devices, resource limits: what it takes to prepare a sandbox from outside.
public static unsafe partial class Libc
{
    // sched.h
    public const int CLONE_NEWNS = 0x00020000, CLONE_NEWCGROUP = 0x02000000, CLONE_NEWUTS = 0x04000000, CLONE_NEWIPC = 0x08000000,
        CLONE_NEWUSER = 0x10000000, CLONE_NEWPID = 0x20000000, CLONE_NEWNET = 0x40000000, CLONE_NEWTIME = 0x00000080;

    // sys/mount.h
    public const nuint MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REMOUNT = 32, MS_NOATIME = 1024, MS_BIND = 4096, MS_MOVE = 8192, MS_REC = 16384,
        MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19;

    // linux/mount.h
    public const ulong MOUNT_ATTR_RDONLY = 1, MOUNT_ATTR_NOSUID = 2, MOUNT_ATTR_NODEV = 4, MOUNT_ATTR_IDMAP = 0x100000;

    // sys/stat.h
    public const uint S_IFCHR = 0x2000, S_IFBLK = 0x6000;

    // linux/loop.h, linux/nsfs.h
    public const nuint LOOP_CTL_GET_FREE = 0x4C82, LOOP_CONFIGURE = 0x4C0A, NS_GET_USERNS = 0xB701;
    public const int LO_FLAGS_AUTOCLEAR = 4;

    // sys/resource.h
    public const int RLIMIT_FSIZE = 1, RLIMIT_CORE = 4, RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7, PRIO_USER = 2;

    // linux/prctl.h
    public const int PR_SET_NO_NEW_PRIVS = 38;

    // linux/memfd.h, linux/fcntl.h
    public const uint MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
    public const int F_ADD_SEALS = 1033, F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8;

    [LibraryImport(Library, EntryPoint = "unshare", SetLastError = true)]
    public static partial int Unshare(int flags);

    [LibraryImport(Library, EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNs(int fd, int type);

    [LibraryImport(Library, EntryPoint = "umask")]
    public static partial uint UMask(uint mask);

    [LibraryImport(Library, EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string? source, string target, string? fileSystem, nuint flags, string? data);

    [LibraryImport(Library, EntryPoint = "mknod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MkNod(string path, uint mode, ulong device);

    [LibraryImport(Library, EntryPoint = "chroot", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChRoot(string path);

    [LibraryImport(Library, EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LChown(string path, uint owner, uint group);

    [LibraryImport(Library, EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string from, string to);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MemFdCreate(string name, uint flags);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int FTruncate(int fd, long length);

    [LibraryImport(Library, EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SyncFs(int fd);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int FSync(int fd);

    [LibraryImport(Library, EntryPoint = "sendfile", SetLastError = true)]
    public static partial nint SendFile(int to, int from, long* offset, nuint count);

    [LibraryImport(Library, EntryPoint = "lseek", SetLastError = true)]
    public static partial long LSeek(int fd, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "copy_file_range", SetLastError = true)]
    public static partial nint CopyFileRange(int from, long* fromOffset, int to, long* toOffset, nuint count, uint flags);

    [LibraryImport(Library, EntryPoint = "setrlimit", SetLastError = true)]
    public static partial int SetRLimit(int resource, RLimit* limit);

    [LibraryImport(Library, EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetRLimit(int resource, RLimit* limit);

    [LibraryImport(Library, EntryPoint = "getpriority", SetLastError = true)]
    public static partial int GetPriority(int which, uint who);

    /// <summary>keyctl(2) KEYCTL_JOIN_SESSION_KEYRING with a new one: the inherited one's keys are not found any more.</summary>
    public static int JoinNewSessionKeyring()
    {
        const int x64 = 250, others = 219, joinSessionKeyring = 1;
        return (int)Syscall(RuntimeInformation.ProcessArchitecture == Architecture.X64 ? x64 : others, joinSessionKeyring, 0, 0, 0);
    }

    /// <summary>ioctl_nsfs(2) NS_GET_USERNS: a descriptor of the user namespace that owns the one given.</summary>
    public static int GetOwningUserNamespace(int fd) => Ioctl(fd, NS_GET_USERNS, null);

    /// <summary>open_tree(2) with OPEN_TREE_CLONE: a descriptor of a mount of a directory that nobody sees yet.</summary>
    public static int CloneMount(string directory)
    {
        const int number = 428, atFdCwd = -100, clone = 1;
        var path = CStrings.Copy(directory);
        var result = (int)Syscall(number, atFdCwd, (nint)path, clone | O_CLOEXEC, 0);
        FreeKeepingErrno(path);
        return result;
    }

    /// <summary>move_mount(2): shows a mount that nobody sees yet at a directory.</summary>
    public static int ShowMount(int mount, string directory)
    {
        const int number = 429, atFdCwd = -100, fromIsDescriptor = 4;
        byte nothing = 0;
        var path = CStrings.Copy(directory);
        var result = (int)Syscall(number, mount, (nint)(&nothing), atFdCwd, (nint)path, fromIsDescriptor);
        FreeKeepingErrno(path);
        return result;
    }

    /// <summary>mount_setattr(2) on a mount that nobody sees yet: sets attributes, and with MOUNT_ATTR_IDMAP the ids of a user namespace.</summary>
    public static int SetMountAttributes(int mount, ulong set, int userNamespace)
    {
        const int number = 442, atEmptyPath = 0x1000, structBytes = 32;
        byte nothing = 0;

        // struct mount_attr: attr_set, attr_clr, propagation, userns_fd, each 64 bits.
        var attributes = stackalloc ulong[] { set, 0, 0, (ulong)userNamespace };
        return (int)Syscall(number, mount, (nint)(&nothing), atEmptyPath, (nint)attributes, structBytes);
    }

    private static void FreeKeepingErrno(byte* text)
    {
        var errno = Errno.Last;
        NativeMemory.Free(text);
        Marshal.SetLastPInvokeError(errno);
    }

    /// <summary>struct rlimit of getrlimit(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct RLimit
    {
        public ulong Soft, Hard;
    }
}
