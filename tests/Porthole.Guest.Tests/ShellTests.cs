using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

public sealed class ShellTests : IDisposable
{
    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void What_is_typed_is_echoed_and_run_and_the_exit_code_comes_last()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        Assert.True(shell.Attached.Created);
        Assert.Equal(0, shell.Attached.StartOffset);
        shell.Type("echo $((6*7)); exit 3\n");
        Assert.Equal(new ProcessExit(3, 0), shell.WaitForExit());
        Assert.Contains("echo $((6*7)); exit 3\r\n", shell.Text, StringComparison.Ordinal);
        Assert.Contains("42\r\n", shell.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shell_that_a_signal_ends_reports_the_signal()
    {
        var shell = _guest.OpenLane().Attach(1, "one").Confirm();
        shell.Type("kill -9 $$\n");
        var exit = shell.WaitForExit();
        Assert.Equal(new ProcessExit(0, 9), exit);
        Assert.Equal(137, exit.ShellCode);
    }

    [Fact]
    public void After_its_exit_the_same_name_makes_a_new_shell()
    {
        var lane = _guest.OpenLane();
        var first = lane.Attach(1, "one").Confirm();
        first.Type("exit\n");
        first.WaitForExit();
        var second = lane.Attach(2, "one").Confirm();
        Assert.True(second.Attached.Created);
        Assert.NotEqual(first.Attached.Incarnation, second.Attached.Incarnation);
        Assert.Equal((0L, 0L), (second.Attached.StartOffset, second.Attached.InputOffset));
    }

    [Fact]
    public void A_shell_that_exits_while_nobody_is_attached_is_dropped()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one").Confirm();
        shell.Type("read line; exit 5\n");
        shell.Type("\n");
        shell.Send(LinkFrameType.Detach);
        shell.WaitForEnd();
        var control = _guest.OpenLane();
        control.WaitForShells(shells => shells.Count == 0);
        Assert.Equal(LinkFailureReason.NoSuchShell, control.Attach(1, "one", create: false).WaitForFailure().Reason);
    }

    [Fact]
    public void It_gets_exactly_the_environment_and_the_three_descriptors_that_it_should_have()
    {
        var program = new ProgramSpec(["/bin/sh", "-c", "tr '\\0' '\\n' </proc/self/environ; ls -1 /proc/$$/fd; tty; ps -o sid=,pid=,tpgid= -p $$"],
            ["A=1", "PATH=/usr/bin:/bin"], "/tmp");
        var shell = _guest.OpenLane().Attach(1, "one", program: program).Confirm();
        Assert.Equal(new ProcessExit(0, 0), shell.WaitForExit());
        var lines = shell.Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        // dash adds PWD to what it gives on; the shell's own descriptor 10 is of its making and absent in a shell without a script file.
        Assert.Equal(["A=1", "PATH=/usr/bin:/bin"], lines.Where(line => line.Contains('=', StringComparison.Ordinal) && !line.StartsWith("PWD=", StringComparison.Ordinal)).Order());
        Assert.Equal(["0", "1", "2"], lines.Where(line => line.Length <= 2).Order());
        Assert.Contains(lines, line => line.StartsWith("/dev/pts/", StringComparison.Ordinal));
        var ids = lines[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ids[0], ids[1]);
    }

    [Fact]
    public void A_directory_that_does_not_exist_is_replaced_by_the_root()
    {
        var program = Lane.Program(["pwd"]) with { Directory = "/no/such/place" };
        var shell = _guest.OpenLane().Attach(1, "one", program: program).Confirm();
        shell.WaitForExit();
        Assert.Equal("/\r\n", shell.Text);
    }

    [Theory]
    [InlineData("no-such-program", "no-such-program: No such file or directory")]
    [InlineData("/no/such/program", "/no/such/program: No such file or directory")]
    [InlineData("/etc/passwd", "/etc/passwd: Permission denied")]
    [InlineData("/tmp", "/tmp: Permission denied")]
    [InlineData("", ": No such file or directory")]
    public void A_program_that_cannot_be_started_is_a_clear_failure_and_the_lane_goes_on(string program, string message)
    {
        var lane = _guest.OpenLane();
        Assert.Equal(new LinkFailure(LinkFailureReason.CannotStart, message), lane.Attach(1, "one", program: Lane.Program([program])).WaitForFailure());
        Assert.True(lane.Attach(2, "one").Confirm().Attached.Created);
    }

    [Fact]
    public void The_list_names_every_shell_with_its_offset_and_whether_it_is_attached()
    {
        var lane = _guest.OpenLane();
        var one = lane.Attach(1, "one", program: Lane.Program(["sh", "-c", "printf 12345; exec cat"])).Confirm();
        one.WaitFor("12345");
        var two = _guest.OpenLane();
        var other = two.Attach(1, "two", program: Lane.Program(["sh", "-c", "printf 123; exec cat"])).Confirm();
        other.WaitFor("123");
        other.Send(LinkFrameType.Detach);
        Assert.Equal(StreamCloseReason.Detached, other.WaitForClosed().Reason);
        var shells = _guest.OpenLane().WaitForShells(list => list.Count == 2 && !list.Single(shell => shell.ShellId == "two").Attached);
        Assert.Equal([("one", 5L, true), ("two", 3L, false)], shells.OrderBy(shell => shell.ShellId).Select(shell => (shell.ShellId, shell.EndOffset, shell.Attached)));
        Assert.Equal(one.Attached.Incarnation, shells.Single(shell => shell.ShellId == "one").Incarnation);
        Assert.All(shells, shell => Assert.True(Directory.Exists($"/proc/{shell.ProcessId}")));
    }

    [Fact]
    public void There_is_a_bound_on_the_number_of_shells()
    {
        const int limit = 256;
        var lane = _guest.OpenLane();
        for (uint i = 1; i <= limit; i++)
            lane.Attach(i, $"shell-{i}", program: Lane.Program(["cat"])).Confirm();
        Assert.Equal(LinkFailureReason.OutOfResources, lane.Attach(limit + 1, "one-more").WaitForFailure().Reason);
        Assert.Equal(limit, lane.WaitForShells(_ => true).Count);
    }
}
