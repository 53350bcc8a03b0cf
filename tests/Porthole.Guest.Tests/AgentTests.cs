using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

public sealed class AgentTests : IDisposable
{
    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void It_is_started_once_and_both_of_its_outputs_are_one_log_in_their_order()
    {
        var lane = _guest.OpenLane();
        var first = lane.FollowAgent(1, ["sh", "-c", "echo one; echo two >&2; echo three; exec sleep 1001"]).Confirm();
        Assert.Equal(new AgentAttached(true, 1, 0, 0, 0), first.Attached);
        first.WaitFor("one\ntwo\nthree\n");
        var second = _guest.OpenLane().FollowAgent(1, ["sh", "-c", "echo never"]).Confirm();
        Assert.Equal((false, 1u, 14L), (second.Attached.Started, second.Attached.Run, second.Attached.EndOffset));
        second.WaitFor("one\ntwo\nthree\n");
        Assert.Single(_guest.Descendants());
    }

    [Fact]
    public void It_goes_on_without_any_lane_and_its_log_and_exit_are_kept()
    {
        var go = Path.Combine(_guest.ScratchDirectory, "go");
        var lane = _guest.OpenLane();
        lane.FollowAgent(1, ["sh", "-c", $"echo before; until [ -e {go} ]; do sleep 0.02; done; echo after; exit 3"]).Confirm().WaitFor("before");
        lane.Dispose();
        File.WriteAllText(go, "");
        _guest.WaitUntil(() => _guest.Descendants().Count == 0, () => "the agent did not end");
        var later = _guest.OpenLane().FollowAgent(1, null, from: 7).Confirm();
        Assert.Equal(new ProcessExit(3, 0), later.WaitForExit());
        Assert.Equal("after\n", later.Text);
    }

    [Fact]
    public void Without_credit_it_is_the_end_alone_that_comes()
    {
        var lane = _guest.OpenLane();
        var watcher = lane.FollowAgent(1, ["sh", "-c", "seq 1 1000; read line < /dev/null; exit 4"], credit: 0).Confirm();
        Assert.Equal(new ProcessExit(4, 0), watcher.WaitForExit());
        Assert.Equal("", watcher.Text);
    }

    [Fact]
    public void A_new_run_goes_on_with_the_log_of_the_one_before()
    {
        var lane = _guest.OpenLane();
        Assert.Equal(new ProcessExit(0, 9), lane.FollowAgent(1, ["sh", "-c", "echo first; kill -9 $$"]).Confirm().WaitForExit());
        var second = lane.FollowAgent(2, ["sh", "-c", "echo second; exec sleep 1001"]).Confirm();
        Assert.Equal((true, 2u), (second.Attached.Started, second.Attached.Run));
        second.WaitFor("first\nsecond\n");
    }

    [Fact]
    public void What_a_run_left_behind_is_gone_before_the_next_one_begins()
    {
        var lane = _guest.OpenLane();
        var first = lane.FollowAgent(1, ["bash", "-c", "(trap '' TERM; while :; do sleep 0.1; done) & echo job=$!=; exit 1"]).Confirm();
        first.WaitForExit();

        // Nobody may collect an orphan here, so a zombie counts as gone.
        var second = lane.FollowAgent(2, ["sh", "-c", $"grep -q '^State:.[^ZX]' /proc/{first.JobId}/status && echo still there || echo alone"], from: long.MaxValue).Confirm();
        second.WaitForExit();
        Assert.EndsWith("alone\n", second.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flood_is_never_held_up_and_keeps_the_newest_bytes_only()
    {
        var done = Path.Combine(_guest.ScratchDirectory, "done");
        var lane = _guest.OpenLane();
        var before = _guest.ResidentBytes;
        var idle = lane.FollowAgent(1, ["sh", "-c", $"seq 1 3000000; touch {done}; exec sleep 1001"], credit: 100, logBytes: 64 * 1024).Confirm();
        _guest.WaitUntil(() => File.Exists(done), () => "the agent was held up");
        var late = _guest.OpenLane().FollowAgent(1, null).Confirm();
        late.WaitFor("\n3000000\n");
        Assert.Equal(64 * 1024, late.OutputLength);
        Assert.Equal(late.Attached.StartOffset, late.Attached.Dropped);
        Assert.InRange(_guest.ResidentBytes - before, -(64L << 20), 8 << 20);

        // Who could not take it meanwhile is told what is missing, in its place.
        idle.WaitForBytes(100);
        idle.Grant(1 << 30);
        Assert.Equal(idle.Confirm().Attached.StartOffset - 100, idle.Attached.Dropped);
        idle.WaitFor("\n3000000\n");
    }

    [Fact]
    public void A_program_that_does_not_exist_and_an_agent_that_was_never_started_are_clear_failures()
    {
        var lane = _guest.OpenLane();
        Assert.Equal(LinkFailureReason.NoAgent, lane.FollowAgent(1, null).WaitForFailure().Reason);
        var failure = lane.FollowAgent(2, ["no-such-agent"]).WaitForFailure();
        Assert.Equal(new LinkFailure(LinkFailureReason.CannotStart, "no-such-agent: No such file or directory"), failure);
        Assert.True(lane.FollowAgent(3, ["sleep", "1001"]).Confirm().Attached.Started);
    }

    [Fact]
    public void A_reader_leaves_and_the_agent_goes_on()
    {
        var lane = _guest.OpenLane();
        var reader = lane.FollowAgent(1, ["sh", "-c", "echo ready; exec sleep 1001"]).Confirm();
        reader.WaitFor("ready\n");
        reader.Send(LinkFrameType.Detach);
        Assert.Equal(new StreamClosed(StreamCloseReason.Detached, 6), reader.WaitForClosed());
        Assert.Single(_guest.Descendants());
    }

    [Fact]
    public void The_end_of_the_guest_ends_it()
    {
        using var guest = GuestUnderTest.StartWithOneLane(out var lane);
        lane.FollowAgent(1, ["sh", "-c", "echo ready; exec sleep 1001"]).Confirm().WaitFor("ready");
        var processes = guest.Descendants();
        lane.Dispose();
        Assert.Equal(0, guest.WaitForExit());
        guest.WaitUntilGone(processes);
    }
}
