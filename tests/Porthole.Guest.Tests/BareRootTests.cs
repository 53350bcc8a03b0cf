using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>The program is one static file: it runs where there is no C library at all.</summary>
public sealed class BareRootTests
{
    private const string Bubblewrap = "/usr/bin/bwrap";
    private const string BusyBox = "/bin/busybox";

    [Fact]
    public void It_runs_in_a_root_that_holds_nothing_but_itself_and_a_static_busybox()
    {
        Assert.SkipUnless(File.Exists(Bubblewrap) && File.Exists(BusyBox), "needs bubblewrap and a static busybox (Debian: busybox-static)");
        using var guest = GuestUnderTest.Start(Bubblewrap, "--unshare-pid", "--as-pid-1", "--die-with-parent", "--tmpfs", "/", "--proc", "/proc", "--dev", "/dev",
            "--ro-bind", GuestBinary.Path, GuestBinary.Path, "--ro-bind", BusyBox, "/bin/busybox");
        var program = new ProgramSpec(["/bin/busybox", "sh"], ["PS1=$ "], "/");
        var shell = guest.OpenLane().Attach(1, "one", program: program).Confirm();
        Assert.Contains("busybox", shell.Run("busybox ls /bin"), StringComparison.Ordinal);

        // It is process 1 here, to whom orphans are given.
        shell.Run("(busybox sleep 0.1 & busybox sleep 0.2 &) ; busybox sleep 0.4");
        Assert.DoesNotContain(" Z ", shell.Run("busybox ps -o pid,stat,args"), StringComparison.Ordinal);
        shell.Type("exit 3\n");
        Assert.Equal(new ProcessExit(3, 0), shell.WaitForExit());
    }

    [Fact]
    public void Without_proc_a_shell_is_still_hung_up_and_killed()
    {
        Assert.SkipUnless(File.Exists(Bubblewrap) && File.Exists(BusyBox), "needs bubblewrap and a static busybox (Debian: busybox-static)");
        using var guest = GuestUnderTest.Start(Bubblewrap, "--unshare-pid", "--die-with-parent", "--tmpfs", "/", "--dev", "/dev",
            "--ro-bind", GuestBinary.Path, GuestBinary.Path, "--ro-bind", BusyBox, "/bin/busybox");
        var program = new ProgramSpec(["/bin/busybox", "sh", "-c", "trap '' HUP; echo ready; while :; do busybox sleep 1; done"], ["PATH=/bin"], "/");
        var shell = guest.OpenLane().Attach(1, "one", program: program).Confirm();
        shell.WaitFor("ready");
        shell.Send(LinkFrameType.Hangup);
        Assert.Equal(new ProcessExit(0, 9), shell.WaitForExit());
    }
}
