using System.Diagnostics;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>How shells end, and that nothing of them stays.</summary>
public sealed class EndTests : IDisposable
{
    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void A_hang_up_ends_the_shell_with_SIGHUP()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        shell.WaitFor("$ ");
        shell.Send(LinkFrameType.Hangup);
        Assert.Equal(new ProcessExit(0, 1), shell.WaitForExit());
    }

    [Theory]
    [InlineData("while :; do sleep 1; done")]
    [InlineData("trap '' HUP; while :; do sleep 1; done")]
    public void Who_attaches_right_after_a_hang_up_gets_a_new_shell(string program)
    {
        var lane = _guest.OpenLane();
        var ended = lane.Attach(1, "one", program: Lane.Program(["bash", "-c", "echo ready; " + program])).Confirm();
        ended.WaitFor("ready");
        ended.Send(LinkFrameType.Hangup);
        lane.Dispose();
        var next = _guest.OpenLane().Attach(1, "one").Confirm();
        Assert.True(next.Attached.Created);
        Assert.NotEqual(ended.Attached.Incarnation, next.Attached.Incarnation);
    }

    [Fact]
    public void A_hang_up_reaches_every_job_also_stopped_ones_and_those_in_groups_of_their_own()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        shell.Type("sleep 1001 & sleep 1002 & disown; (trap '' TTOU; exec sleep 1003) & sh -c 'echo re\"\"ady; exec sleep 1004'\n");
        shell.WaitFor("ready");
        _guest.WaitForDescendants(5);
        shell.Type("\x1a");
        shell.WaitFor("Stopped");
        var processes = _guest.Descendants();
        shell.Send(LinkFrameType.Hangup);
        shell.WaitForExit();
        _guest.WaitUntilGone(processes);
    }

    [Fact]
    public void What_ignores_the_hang_up_is_killed_after_five_seconds()
    {
        var shell = _guest.OpenLane().Attach(1, "one", program: Lane.Program(["bash", "-c", "trap '' HUP TERM; echo ready; while :; do sleep 1; done"])).Confirm();
        shell.WaitFor("ready");
        var processes = _guest.Descendants();
        var time = Stopwatch.StartNew();
        shell.Send(LinkFrameType.Hangup);
        Assert.Equal(new ProcessExit(0, 9), shell.WaitForExit());
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(15));
        _guest.WaitUntilGone(processes);
    }

    [Fact]
    public void What_outlives_a_hung_up_shell_in_its_session_is_killed_too()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        shell.Run("nohup sleep 1001 >/dev/null 2>&1 &");
        var processes = _guest.Descendants();
        shell.Send(LinkFrameType.Hangup);
        shell.WaitForExit();
        _guest.WaitUntilGone(processes);
    }

    [Fact]
    public void A_background_job_outlives_a_plain_exit()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        shell.Run("nohup sleep 1001 >/dev/null 2>&1 & echo job=$!=");
        shell.Type("exit 2\n");
        Assert.Equal(new ProcessExit(2, 0), shell.WaitForExit());
        Assert.True(Directory.Exists($"/proc/{shell.JobId}"));
        GuestUnderTest.Kill([shell.JobId]);
    }

    [Fact]
    public void The_last_byte_of_a_flood_comes_before_the_exit()
    {
        for (var round = 0; round < 20; round++)
        {
            var shell = _guest.OpenLane().Attach(1, $"flood-{round}", program: Lane.Program(["sh", "-c", "stty raw; head -c 300000 /dev/zero | tr '\\0' x; printf END; exit 6"])).Confirm();
            Assert.Equal(new ProcessExit(6, 0), shell.WaitForExit());
            Assert.Equal(300_003, shell.Output.Length);
            Assert.EndsWith("xEND", shell.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_short_output_before_the_exit_is_never_lost()
    {
        var lane = _guest.OpenLane();
        for (uint round = 1; round <= 200; round++)
        {
            var shell = lane.Attach(round, "short", program: Lane.Program(["printf", "%s", "last words"])).Confirm();
            shell.WaitForExit();
            Assert.Equal("last words", shell.Text);
        }
    }

    [Fact]
    public void Output_that_waits_for_credit_comes_before_the_exit()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one", credit: 10, program: Lane.Program(["sh", "-c", "stty raw; printf 0123456789abcdef; exit 8"])).Confirm();
        shell.WaitForBytes(10);
        lane.Ping();
        Assert.Equal("0123456789", shell.Text);
        shell.Grant(3);
        shell.WaitForBytes(13);
        lane.Ping();
        shell.Grant(3);
        Assert.Equal(new ProcessExit(8, 0), shell.WaitForExit());
        Assert.Equal("0123456789abcdef", shell.Text);
    }

    [Theory]
    [InlineData("sleep 1001 &")]
    [InlineData("setsid sh -c 'trap \"\" HUP; exec sleep 1001' &")]
    [InlineData("setsid sh -c 'trap \"\" HUP; while :; do echo more; done' &")]
    public void A_grandchild_that_holds_the_terminal_does_not_hold_up_the_exit(string grandchild)
    {
        // The kernel hangs the terminal up for all when its session's leader ends.
        var shell = _guest.OpenLane().Attach(1, "one", program: Lane.Program(["sh", "-c", $"{grandchild} printf job=$!=; read line; exit 9"])).Confirm();
        shell.WaitForJobId();
        shell.Type("\n");
        Assert.Equal(new ProcessExit(9, 0), shell.WaitForExit());
        GuestUnderTest.Kill([shell.JobId]);
    }

    [Fact]
    public void A_grandchild_that_floods_a_terminal_which_its_leader_gave_up_does_not_hold_up_the_exit()
    {
        // The leader leaves its terminal first (TIOCNOTTY), so that the kernel does not hang it up for the others.
        const string script = """
            import fcntl, os, signal, sys, termios
            tty = os.open('/dev/tty', os.O_RDWR)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            fcntl.ioctl(tty, termios.TIOCNOTTY)
            if os.fork() == 0:
                print(f'job={os.getpid()}=', flush=True)
                while True: os.write(1, b'more' * 1000)
            sys.stdin.readline()
            os._exit(9)
            """;
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3 for the ioctl");
        var shell = _guest.OpenLane().Attach(1, "one", program: Lane.Program(["python3", "-c", script])).Confirm();
        shell.WaitForBytes(100_000);
        shell.Type("\n");
        Assert.Equal(new ProcessExit(9, 0), shell.WaitForExit());
        _guest.WaitUntilGone([shell.JobId]);
    }

    [Fact]
    public void Two_hundred_shells_leave_no_descriptor_no_thread_and_no_zombie()
    {
        RunAFewShells(10);
        var (descriptors, threads) = (_guest.DescriptorCount, _guest.ThreadCount);
        RunAFewShells(200);
        var control = _guest.OpenLane();
        control.WaitForShells(shells => shells.Count == 0);
        control.Dispose();
        _guest.WaitUntil(() => _guest.DescriptorCount <= descriptors && _guest.ThreadCount <= threads, () => $"{_guest.DescriptorCount} descriptors, before {descriptors}; {_guest.ThreadCount} threads, before {threads}");
        _guest.WaitUntil(() => _guest.Descendants().Count == 0, () => $"children left: {string.Join(' ', _guest.Descendants())}");
    }

    [Fact]
    public void A_shutdown_ends_everything_and_then_the_guest()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one").Confirm();
        shell.WaitFor("$ ");
        var detached = lane.Attach(2, "two").Confirm();
        detached.Send(LinkFrameType.Detach);
        lane.Run(3, ["sleep", "1001"]);
        _guest.WaitForDescendants(3);
        var processes = _guest.Descendants();
        lane.Send(LinkSmallFrames.WriteEmpty(lane.Writer, LinkFrameType.Shutdown, 0));
        Assert.Equal(new ProcessExit(0, 1), shell.WaitForExit());
        Assert.Equal(0, _guest.WaitForExit());
        _guest.WaitUntilGone(processes);
    }

    [Fact]
    public void A_hundred_attached_shells_fit_into_a_few_megabytes()
    {
        const long mostBytes = 15 * 1024 * 1024, mostPerShell = 256 * 1024;
        var before = _guest.ResidentBytes;
        Assert.InRange(before, 0, mostBytes);
        for (var i = 0; i < 100; i++)
            _guest.OpenLane().Attach(1, $"s{i}").Confirm().WaitFor("$ ");
        Assert.InRange((_guest.ResidentBytes - before) / 100, 0, mostPerShell);
    }

    [Theory]
    [InlineData(Posix.Libc.SIGHUP)]
    [InlineData(Posix.Libc.SIGPIPE)]
    public void A_signal_that_tells_of_a_lost_peer_does_not_end_the_guest(int signal)
    {
        var lane = _guest.OpenLane();
        lane.Attach(1, "one").Confirm();
        _ = Posix.Libc.Kill(_guest.ProcessId, signal);
        lane.Ping();
        Assert.Single(lane.WaitForShells(_ => true));
    }

    private void RunAFewShells(int count)
    {
        for (var i = 0; i < count; i++)
        {
            using var lane = _guest.OpenLane();
            var shell = lane.Attach(1, $"s{i}", program: Lane.Program(["sh", "-c", "sleep 0.01 & read line; exit 1"])).Confirm();
            if (i % 3 == 0)
                shell.Type("\n");
            else if (i % 3 == 1)
                shell.Send(LinkFrameType.Hangup);
            else
                shell.Send(LinkFrameType.Detach);
            shell.WaitForEnd();
            if (i % 3 != 2)
                continue;
            var again = lane.Attach(2, $"s{i}").Confirm();
            again.Type("\n");
            again.WaitForExit();
        }
    }
}
