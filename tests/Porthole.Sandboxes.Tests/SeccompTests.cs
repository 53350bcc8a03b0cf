using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Sandboxes.Seccomp;

namespace Porthole.Sandboxes.Tests;

public sealed class SeccompTests
{
    private const uint Allowed = 0x7fff0000, Killed = 0x80000000;

    public static TheoryData<Architecture> Architectures => [Architecture.X64, Architecture.Arm64];

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Each_refused_call_is_refused_and_all_others_pass(Architecture architecture)
    {
        var filter = new BpfMachine(SeccompFilter.For(architecture)!);
        var audit = Audit(architecture);
        var refused = SeccompFilter.Refused.Select(call => Number(call, architecture)).OfType<uint>().ToHashSet();
        for (var number = 0u; number < 600; number++)
        {
            var expected = number == Number(SeccompFilter.Clone3, architecture) ? Refused(Errno.ENOSYS)
                : SeccompFilter.Sockets.Any(call => Number(call, architecture) == number) ? Refused(97)
                : refused.Contains(number) ? Refused(Errno.EPERM)
                : Allowed;
            Assert.True(expected == filter.Run(number, audit), $"call {number}");
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Another_architecture_ends_the_process(Architecture architecture)
    {
        var filter = new BpfMachine(SeccompFilter.For(architecture)!);
        const uint i386 = 0x40000003;
        Assert.Equal(Killed, filter.Run(0, i386));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(165)]
    [InlineData(600)]
    public void The_x32_numbers_are_no_way_round(uint number)
    {
        var filter = new BpfMachine(SeccompFilter.For(Architecture.X64)!);
        Assert.Equal(Refused(Errno.ENOSYS), filter.Run(SeccompFilter.FirstX32 | number, Audit(Architecture.X64)));
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Arguments_decide_and_their_upper_halves_do_not(Architecture architecture)
    {
        var filter = new BpfMachine(SeccompFilter.For(architecture)!);
        uint Run(SystemCall call, params ulong[] arguments) => filter.Run(Number(call, architecture)!.Value, Audit(architecture), arguments);
        const ulong upper = 0xffffffff00000000, sigchld = 17, cloneThread = 0x10000;

        Assert.Equal(Allowed, Run(SeccompFilter.Clone, sigchld));
        Assert.Equal(Allowed, Run(SeccompFilter.Clone, cloneThread | upper));
        Assert.Equal(Refused(Errno.EPERM), Run(SeccompFilter.Clone, sigchld | Libc.CLONE_NEWUSER));
        Assert.Equal(Refused(Errno.EPERM), Run(SeccompFilter.Clone, upper | Libc.CLONE_NEWNS));
        Assert.Equal(Allowed, Run(SeccompFilter.Unshare, 0x400));
        Assert.Equal(Refused(Errno.EPERM), Run(SeccompFilter.Unshare, Libc.CLONE_NEWTIME));
        Assert.Equal(Allowed, Run(SeccompFilter.Ioctl, 0, 0x5413));
        Assert.Equal(Refused(Errno.EPERM), Run(SeccompFilter.Ioctl, 0, SeccompFilter.TIOCSTI));
        Assert.Equal(Refused(Errno.EPERM), Run(SeccompFilter.Ioctl, 0, SeccompFilter.TIOCSTI | upper));
        Assert.Equal(Refused(Errno.EPERM), Run(SeccompFilter.Ioctl, 0, SeccompFilter.TIOCLINUX));
        foreach (var socket in SeccompFilter.Sockets)
        {
            Assert.All((ulong[])[1, 2, 10, 16], family => Assert.Equal(Allowed, Run(socket, family)));
            Assert.All((ulong[])[0, 17, 38, 40], family => Assert.Equal(Refused(97), Run(socket, family)));
        }
    }

    // perl's syscall makes any call; what counts is the errno, and that it is not what the same call answers without a filter.
    [Theory]
    [InlineData("unshare a user namespace", 272, 97, "0x10000000", Errno.EPERM)]
    [InlineData("unshare a time namespace", 272, 97, "0x80", Errno.EPERM)]
    [InlineData("clone a user namespace", 56, 220, "0x10000011, 0, 0, 0, 0", Errno.EPERM)]
    [InlineData("clone3", 435, 435, "0, 0", Errno.ENOSYS)]
    [InlineData("mount", 165, 40, "0, 0, 0, 0, 0", Errno.EPERM)]
    [InlineData("open a mount context", 430, 430, "0, 0", Errno.EPERM)]
    [InlineData("clone a mount", 428, 428, "-100, 0, 1", Errno.EPERM)]
    [InlineData("keyctl", 250, 219, "0, -3, 0", Errno.EPERM)]
    [InlineData("bpf", 321, 280, "0, 0, 0", Errno.EPERM)]
    [InlineData("perf", 298, 241, "0, 0, -1, -1, 0", Errno.EPERM)]
    [InlineData("io_uring", 425, 425, "8, 0", Errno.EPERM)]
    [InlineData("userfaultfd", 323, 282, "0", Errno.EPERM)]
    [InlineData("type into a terminal", 16, 29, "0, 0x5412, 0", Errno.EPERM)]
    [InlineData("type into a terminal with a stray upper bit", 16, 29, "0, 0x100005412, 0", Errno.EPERM)]
    [InlineData("speak to the hypervisor", 41, 198, "40, 1, 0", 97)]
    [InlineData("file handles", 303, 264, "-100, 0, 0, 0, 0", Errno.EPERM)]
    public async Task A_sandbox_refuses(string what, int x64, int arm64, string arguments, int errno)
    {
        var number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? x64 : arm64;
        var call = $"perl -e '$r = syscall({number}, {arguments}); print $r, \" \", $! + 0'";
        var sandbox = await SharedSandbox.GetAsync();
        Assert.True($"-1 {errno}" == await sandbox.OutputAsync(call), what);
    }

    [Fact]
    public async Task Nothing_in_a_sandbox_has_a_capability_or_can_get_one()
    {
        var status = await (await SharedSandbox.GetAsync()).OutputAsync("cat /proc/self/status /proc/1/status");
        var lines = status.Split('\n').Where(line => line.StartsWith("Cap", StringComparison.Ordinal)).ToList();
        Assert.Equal(10, lines.Count);
        Assert.All(lines, line => Assert.EndsWith("\t0000000000000000", line));
        Assert.Equal(2, status.Split('\n').Count(line => line == "NoNewPrivs:\t1"));
        Assert.Equal(2, status.Split('\n').Count(line => line == "Seccomp:\t2"));
    }

    private static uint Refused(int errno) => 0x00050000 | (uint)errno;

    private static uint Audit(Architecture architecture) => architecture == Architecture.X64 ? SeccompFilter.ArchitectureX64 : SeccompFilter.ArchitectureArm64;

    private static uint? Number(SystemCall call, Architecture architecture) => architecture == Architecture.X64 ? call.X64 : call.Arm64;
}
