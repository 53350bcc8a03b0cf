using System.Diagnostics;
using System.Text;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

public sealed class CommandTests : IDisposable
{
    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Output_error_output_and_exit_code_are_separate_and_exact()
    {
        var command = _guest.OpenLane().Run(1, ["sh", "-c", "echo out; echo err >&2; exit 5"]);
        Assert.Equal(new ProcessExit(5, 0), command.WaitForExit());
        Assert.Equal(("out\n", "err\n"), (command.Text, command.ErrorText));
    }

    [Fact]
    public void It_has_no_input_no_terminal_and_no_other_descriptors()
    {
        var command = _guest.OpenLane().Run(1, ["sh", "-c", "cat; tty; ls -1 /proc/$$/fd; ps -o sid=,pgid=,pid= -p $$"]);
        command.WaitForExit();
        var lines = command.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["not a tty", "0", "1", "2"], lines[..4]);
        Assert.Single(lines[4].Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct());
    }

    [Fact]
    public void A_large_output_comes_whole_within_its_credit()
    {
        var lane = _guest.OpenLane();
        var command = lane.Run(1, ["sh", "-c", "seq 1 300000; exit 4"], credit: 100_000);
        command.WaitForBytes(100_000);
        lane.Ping();
        Assert.Equal(100_000, command.Output.Length);
        command.Grant(1 << 30);
        Assert.Equal(new ProcessExit(4, 0), command.WaitForExit());
        Assert.Equal(string.Concat(Enumerable.Range(1, 300_000).Select(number => number + "\n")), command.Text);
    }

    [Fact]
    public void A_signal_reaches_the_whole_group()
    {
        var command = _guest.OpenLane().Run(1, ["sh", "-c", "sleep 1001 & echo ready; wait"]);
        command.WaitFor("ready");
        var processes = _guest.Descendants();
        command.Signal(Posix.Libc.SIGINT);
        // A background child of a script ignores SIGINT; SIGTERM it does not.
        command.Signal(Posix.Libc.SIGTERM);
        Assert.NotEqual(0, command.WaitForExit().Signal);
        _guest.WaitUntilGone(processes);
    }

    [Fact]
    public void What_ignores_SIGTERM_is_killed_after_the_grace_time()
    {
        var command = _guest.OpenLane().Run(1, ["bash", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]);
        command.WaitFor("ready");
        var time = Stopwatch.StartNew();
        command.Signal(Posix.Libc.SIGTERM);
        Assert.Equal(new ProcessExit(0, 9), command.WaitForExit());
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(15));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    [InlineData(255)]
    public void A_number_that_is_no_signal_is_ignored(byte signal)
    {
        var lane = _guest.OpenLane();
        var command = lane.Run(1, ["sh", "-c", "echo ready; exec sleep 1001"]);
        command.WaitFor("ready");
        command.Signal(signal);
        lane.Ping();
        command.Signal(Posix.Libc.SIGKILL);
        Assert.Equal(new ProcessExit(0, 9), command.WaitForExit());
    }

    [Fact]
    public void The_end_of_its_lane_ends_a_command()
    {
        var lane = _guest.OpenLane();
        var command = lane.Run(1, ["sh", "-c", "sleep 1001 & echo ready; wait"]);
        command.WaitFor("ready");
        var processes = _guest.Descendants();
        lane.Dispose();
        _guest.WaitUntilGone(processes);
    }

    [Fact]
    public void A_process_left_behind_with_the_pipes_delays_the_exit_by_a_second_at_most()
    {
        var time = Stopwatch.StartNew();
        var command = _guest.OpenLane().Run(1, ["sh", "-c", "sleep 1001 & echo job=$!=; exit 3"]);
        Assert.Equal(new ProcessExit(3, 0), command.WaitForExit());
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(10));
        Assert.True(Directory.Exists($"/proc/{command.JobId}"));
        GuestUnderTest.Kill([command.JobId]);
    }

    [Fact]
    public void A_process_left_behind_that_floods_the_pipes_does_not_delay_the_exit_for_ever()
    {
        // SIGPIPE ends the flood once the pipes are closed.
        var mark = Path.Combine(_guest.ScratchDirectory, "mark");
        var command = _guest.OpenLane().Run(1, ["sh", "-c", $"(trap '' HUP; yes; touch {mark}) & exit 3"]);
        Assert.Equal(new ProcessExit(3, 0), command.WaitForExit());
        _guest.WaitUntil(() => File.Exists(mark), () => "the flood did not end");
    }

    [Fact]
    public void The_rest_of_a_pipeline_is_waited_for()
    {
        var command = _guest.OpenLane().Run(1, ["bash", "-c", "echo late > >(sleep 0.3; cat)"]);
        command.WaitForExit();
        Assert.Equal("late\n", command.Text);
    }

    [Fact]
    public void A_command_that_cannot_be_started_is_a_clear_failure()
    {
        var failure = _guest.OpenLane().Run(1, ["no-such-program"]).WaitForFailure();
        Assert.Equal(new LinkFailure(LinkFailureReason.CannotStart, "no-such-program: No such file or directory"), failure);
    }

    [Fact]
    public void Commands_and_shells_share_a_lane()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one").Confirm();
        var flood = lane.Run(2, ["yes"], credit: 1 << 20);
        var command = lane.Run(3, ["sh", "-c", "for i in 1 2 3 4 5; do echo $i; done"]);
        command.WaitForExit();
        Assert.Equal("1\n2\n3\n4\n5\n", command.Text);
        Assert.Contains("42", shell.Run("echo $((6*7))"), StringComparison.Ordinal);
        flood.WaitForBytes(4);
        Assert.Equal("y\ny\n", Encoding.UTF8.GetString(flood.Output.AsSpan(0, 4)));
    }

    [Fact]
    public void Two_hundred_commands_leave_nothing_behind()
    {
        var lane = _guest.OpenLane();
        lane.Run(1, ["true"]).WaitForExit();
        lane.Ping();
        var descriptors = _guest.DescriptorCount;
        for (uint i = 2; i <= 200; i++)
            Assert.Equal(new ProcessExit((byte)(i % 7), 0), lane.Run(i, ["sh", "-c", $"exit {i % 7}"]).WaitForExit());
        _guest.WaitUntil(() => _guest.DescriptorCount <= descriptors, () => $"{_guest.DescriptorCount} descriptors, before {descriptors}");
        Assert.Empty(_guest.Descendants());
    }
}
