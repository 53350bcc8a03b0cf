using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

public sealed class ShellTests
{
    [Fact]
    public void What_is_typed_is_echoed_and_run_and_the_exit_code_comes_last()
    {
        using var guest = GuestUnderTest.Start();
        var shell = guest.OpenLane().Attach(1, "one").Confirm();
        Assert.True(shell.Attached.Created);
        Assert.Equal(0, shell.Attached.StartOffset);
        shell.Type("echo $((6*7)); exit 3\n");
        Assert.Equal(new ProcessExit(3, 0), shell.WaitForExit());
        Assert.Contains("echo $((6*7)); exit 3\r\n", shell.Text, StringComparison.Ordinal);
        Assert.Contains("42\r\n", shell.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lane_that_ends_leaves_the_shell_and_the_next_one_gets_what_was_printed_meanwhile()
    {
        using var guest = GuestUnderTest.Start();
        var lane = guest.OpenLane();
        var shell = lane.Attach(1, "one").Confirm();
        shell.Type("read line; echo \"got $line\"; sleep 0.2; echo later\n");
        shell.WaitFor("later");
        shell.Type("me\n");
        shell.WaitFor("got me");
        lane.Dispose();

        var again = guest.OpenLane().Attach(5, "one", from: shell.Offset).Confirm();
        Assert.False(again.Attached.Created);
        Assert.Equal(shell.Attached.Incarnation, again.Attached.Incarnation);
        Assert.Equal((shell.Offset, 0L), (again.Attached.StartOffset, again.Attached.Dropped));
        again.WaitFor("later\r\n");
    }
}
