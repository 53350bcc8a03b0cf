using System.Runtime.InteropServices;
using Porthole.Posix;

namespace Porthole.Sandboxes.Seccomp;

/// <summary>
/// The system calls that nobody in a sandbox may make: those that make namespaces or mounts, those that reach parts of the kernel which no
/// namespace divides (keys, the clock, modules, perf, BPF), and those with a history of escapes that no ordinary program needs.
/// Most need a capability as well, which nothing inside has: this is the second lock.
/// </summary>
internal static class SeccompFilter
{
    // linux/audit.h
    internal const uint ArchitectureX64 = 0xC000003E, ArchitectureArm64 = 0xC00000B7;

    // Numbers from here on are calls of the x32 ABI: the same calls by another number.
    internal const uint FirstX32 = 0x40000000;

    private const int EAFNOSUPPORT = 97;

    // asm-generic/ioctls.h: typing into a terminal, and the console's paste.
    internal const uint TIOCSTI = 0x5412, TIOCLINUX = 0x541C;

    // All of CLONE_NEW*. CLONE_NEWTIME shares its bit with the exit signal of clone(2), where the kernel does not take it as a namespace.
    internal const uint CloneNamespaces = Libc.CLONE_NEWNS | Libc.CLONE_NEWCGROUP | Libc.CLONE_NEWUTS | Libc.CLONE_NEWIPC | Libc.CLONE_NEWUSER
        | Libc.CLONE_NEWPID | Libc.CLONE_NEWNET;

    // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others reach past the network namespace (AF_VSOCK: the hypervisor) or are old and seldom looked at.
    private static readonly uint[] SocketFamilies = [1, 2, 10, 16];

    /// <summary>Refused whatever the arguments, with EPERM.</summary>
    internal static IReadOnlyList<SystemCall> Refused { get; } =
    [
        // Mounts and namespaces
        new("mount", 165, 40), new("umount2", 166, 39), new("pivot_root", 155, 41), new("chroot", 161, 51), new("setns", 308, 268),
        new("open_tree", 428), new("move_mount", 429), new("fsopen", 430), new("fsconfig", 431), new("fsmount", 432), new("fspick", 433),
        new("mount_setattr", 442), new("open_tree_attr", 467), new("swapon", 167, 224), new("swapoff", 168, 225),

        // Files past the directory tree
        new("open_by_handle_at", 304, 265), new("name_to_handle_at", 303, 264), new("fanotify_init", 300, 262), new("quotactl", 179, 60), new("quotactl_fd", 443),

        // What all sandboxes and the host share
        new("add_key", 248, 217), new("request_key", 249, 218), new("keyctl", 250, 219), new("syslog", 103, 116), new("acct", 163, 89), new("vhangup", 153, 58),
        new("settimeofday", 164, 170), new("clock_settime", 227, 112), new("reboot", 169, 142), new("kexec_load", 246, 104), new("kexec_file_load", 320, 294),
        new("init_module", 175, 105), new("finit_module", 313, 273), new("delete_module", 176, 106), new("lookup_dcookie", 212, 18), new("nfsservctl", 180, 42),

        // Kernel inside the kernel
        new("bpf", 321, 280), new("perf_event_open", 298, 241), new("userfaultfd", 323, 282),
        new("io_uring_setup", 425), new("io_uring_enter", 426), new("io_uring_register", 427),
        new("ioperm", 173, null), new("iopl", 172, null), new("modify_ldt", 154, null),
    ];

    internal static SystemCall Clone { get; } = new("clone", 56, 220);

    internal static SystemCall Clone3 { get; } = new("clone3", 435);

    internal static SystemCall Unshare { get; } = new("unshare", 272, 97);

    internal static SystemCall Ioctl { get; } = new("ioctl", 16, 29);

    internal static IReadOnlyList<SystemCall> Sockets { get; } = [new("socket", 41, 198), new("socketpair", 53, 199)];

    /// <summary>The filter as seccomp(2) takes it; null on an architecture without one.</summary>
    public static byte[]? For(Architecture architecture) => architecture switch
    {
        Architecture.X64 => Assemble(ArchitectureX64, call => call.X64),
        Architecture.Arm64 => Assemble(ArchitectureArm64, call => call.Arm64),
        _ => null,
    };

    private static byte[] Assemble(uint architecture, Func<SystemCall, uint?> number)
    {
        var program = new BpfProgram();
        program.RequireArchitecture(architecture);
        if (architecture == ArchitectureX64)
            program.RefuseFrom(FirstX32, Errno.ENOSYS);
        foreach (var call in Refused)
        {
            if (number(call) is { } refused)
                program.Refuse(refused, Errno.EPERM);
        }

        // Its flags lie in memory, where a filter cannot look. With ENOSYS the C libraries use clone instead.
        program.Refuse(number(Clone3)!.Value, Errno.ENOSYS);
        program.RefuseBits(number(Clone)!.Value, 0, CloneNamespaces, Errno.EPERM);
        program.RefuseBits(number(Unshare)!.Value, 0, CloneNamespaces | Libc.CLONE_NEWTIME, Errno.EPERM);
        program.RefuseValues(number(Ioctl)!.Value, 1, [TIOCSTI, TIOCLINUX], Errno.EPERM);
        foreach (var call in Sockets)
            program.RequireValues(number(call)!.Value, 0, SocketFamilies, EAFNOSUPPORT);
        return program.AllowTheRest();
    }
}
