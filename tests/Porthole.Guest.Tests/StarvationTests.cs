using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>A sandbox without processes, descriptors or threads: clear failures, and those who are there go on.</summary>
public sealed class StarvationTests
{
    // A user of its own, so that nobody else's processes count. Root ignores the limit.
    private const string Nobody = "61234";

    [Fact]
    public void A_fork_bomb_makes_new_shells_fail_clearly_and_the_old_one_can_end_it()
    {
        Assert.SkipUnless(Libc.GetEUid() == 0, "needs root to be another user");
        using var guest = GuestUnderTest.Start("/usr/bin/setpriv", "--reuid", Nobody, "--regid", Nobody, "--clear-groups", "/usr/bin/prlimit", "--nproc=30");
        var lane = guest.OpenLane();
        var shell = lane.Attach(1, "one", program: Lane.Program(["dash", "-i"])).Confirm();
        shell.WaitFor("$ ");
        shell.Type("while sleep 1001 & do all=\"$all $!\"; done\n");
        shell.WaitFor("Cannot fork\r\n$ "); // dash drops what was typed before this prompt.

        var failure = lane.Attach(2, "two").WaitForFailure();
        Assert.Equal(LinkFailureReason.OutOfResources, failure.Reason);
        Assert.Contains("Resource temporarily unavailable", failure.Message, StringComparison.Ordinal);
        Assert.Equal(LinkFailureReason.OutOfResources, lane.Run(3, ["true"]).WaitForFailure().Reason);

        // No thread is left for a lane, so that it must share one.
        using var reconnected = guest.OpenLane();
        var again = reconnected.Attach(1, "one").Confirm();
        Assert.False(again.Attached.Created);
        Assert.Equal(StreamCloseReason.TakenOver, shell.WaitForClosed().Reason);
        again.Type("kill -9 $all; wait; echo fr''ee\n");
        again.WaitFor("free");
        Assert.True(lane.Attach(4, "two").Confirm().Attached.Created);
        Assert.Contains("home loop", guest.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_descriptors_new_shells_and_lanes_wait_or_fail_and_others_go_on()
    {
        using var guest = GuestUnderTest.Start("/usr/bin/prlimit", "--nofile=24");
        var lane = guest.OpenLane();
        var shell = lane.Attach(1, "one").Confirm();
        for (uint i = 2; ; i++)
        {
            var next = lane.Attach(i, $"s{i}", program: Lane.Program(["cat"]));
            if (next.WaitForAnswer() == LinkFrameType.ShellAttached)
                continue;
            Assert.Equal(LinkFailureReason.OutOfResources, next.WaitForFailure().Reason);
            break;
        }

        Assert.Contains("42", shell.Run("echo $((6*7))"), StringComparison.Ordinal);
    }
}
