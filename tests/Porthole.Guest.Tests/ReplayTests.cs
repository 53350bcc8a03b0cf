using System.Text;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;

namespace Porthole.Guest.Tests;

/// <summary>Offsets count every byte: whatever happens in between, a byte at an offset is the byte that was printed there.</summary>
public sealed class ReplayTests : IDisposable
{
    private const int RingBytes = 256 * 1024;

    private readonly GuestUnderTest _guest = GuestUnderTest.Start();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void A_lane_that_ends_leaves_the_shell_and_the_next_one_gets_what_was_printed_meanwhile()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one").Confirm();
        shell.Type("read line; echo \"got $line\"; read line; echo later\n");
        shell.WaitFor("later");
        shell.Type("me\n");
        shell.WaitFor("got me");
        shell.Type("\n");
        lane.Dispose();

        var again = _guest.OpenLane().Attach(5, "one", from: shell.Offset).Confirm();
        Assert.False(again.Attached.Created);
        Assert.Equal(shell.Attached.Incarnation, again.Attached.Incarnation);
        Assert.Equal((shell.Offset, 0L), (again.Attached.StartOffset, again.Attached.Dropped));
        again.WaitFor("later\r\n");
    }

    [Fact]
    public void Input_is_counted_so_that_a_client_can_resend_what_was_lost()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one", program: Lane.Program(["sh", "-c", "stty raw -echo; printf ready; exec cat"])).Confirm();
        shell.WaitFor("ready");
        shell.Type("12345");
        shell.WaitFor("12345");
        lane.Dispose();
        Assert.Equal(5, _guest.OpenLane().Attach(1, "one").Confirm().Attached.InputOffset);
    }

    [Fact]
    public void The_ring_keeps_the_newest_bytes_and_says_how_many_are_gone()
    {
        var lane = _guest.OpenLane();
        var counting = new Counting(100_000);
        counting.Attach(lane, 1, credit: 0);
        lane.Dispose();
        _guest.OpenLane().WaitForShells(shells => shells.Single().EndOffset == counting.Length);
        var again = _guest.OpenLane().Attach(1, "counting", from: 0).Confirm();
        Assert.Equal(counting.Length - RingBytes, again.Attached.StartOffset);
        Assert.Equal(counting.Length - RingBytes, again.Attached.Dropped);
        again.WaitForBytes(RingBytes);
        counting.AssertMatches(again);
    }

    [Fact]
    public void What_was_under_way_when_a_connection_broke_is_kept_beside_the_ring()
    {
        const int printedAlone = 200_000;
        var counting = new Counting(200_000);
        var lane = _guest.OpenLane();
        var shell = counting.Attach(lane, 1, credit: (uint)(counting.Length - printedAlone));
        shell.WaitForBytes(counting.Length - printedAlone);
        lane.Dispose();
        _guest.OpenLane().WaitForShells(shells => shells.Single().EndOffset == counting.Length);

        // Of what was sent, the client got all but what may be under way.
        var received = counting.Length - printedAlone - ShellLimits.MaxBytesUnderWay;
        var again = _guest.OpenLane().Attach(1, "counting", from: received).Confirm();
        Assert.Equal((received, 0L), (again.Attached.StartOffset, again.Attached.Dropped));
        again.WaitForBytes(counting.Length - received);
        counting.AssertMatches(again);
    }

    [Fact]
    public void Output_that_nobody_took_is_delivered_or_counted_to_the_last_byte()
    {
        var counting = new Counting(1_000_000);
        var lane = _guest.OpenLane();
        var shell = counting.Attach(lane, 1, credit: 300_000);
        shell.WaitForBytes(300_000);
        counting.AssertMatches(shell);
        lane.Dispose();

        // Detached it runs to its end, which only the ring's size limits the memory of.
        var control = _guest.OpenLane();
        control.WaitForShells(shells => shells.Single().EndOffset == counting.Length);
        var again = _guest.OpenLane().Attach(1, "counting").Confirm();
        Assert.Equal(300_000, again.Attached.StartOffset - again.Attached.Dropped);
        Assert.Equal(counting.Length - RingBytes, again.Attached.StartOffset);
        again.WaitForBytes(RingBytes);
        counting.AssertMatches(again);
    }

    [Fact]
    public void Detaching_again_and_again_in_the_middle_of_a_flood_loses_nothing_uncounted()
    {
        var counting = new Counting(2_000_000);
        var expected = 0L;
        for (var round = 0; expected < counting.Length && round < 200; round++)
        {
            var lane = _guest.OpenLane();
            var shell = counting.Attach(lane, 7);
            Assert.Equal(expected, shell.Attached.StartOffset - shell.Attached.Dropped);
            shell.WaitForBytes(Math.Min(100_000, counting.Length - shell.Attached.StartOffset));
            shell.Send(LinkFrameType.Detach);
            var closed = shell.WaitForClosed();
            Assert.Equal((StreamCloseReason.Detached, shell.Offset), (closed.Reason, closed.SentOffset));
            counting.AssertMatches(shell);
            expected = closed.SentOffset;
            lane.Dispose();
        }

        Assert.Equal(counting.Length, expected);
    }

    [Fact]
    public void A_takeover_during_a_replay_closes_the_older_stream_and_goes_on_where_it_was()
    {
        var counting = new Counting(30_000);
        var older = counting.Attach(_guest.OpenLane(), 1, credit: 1000);
        older.WaitForBytes(1000);
        var newer = counting.Attach(_guest.OpenLane(), 1);
        Assert.Equal(new StreamClosed(StreamCloseReason.TakenOver, 1000), older.WaitForClosed());
        Assert.Equal((1000L, 0L), (newer.Attached.StartOffset, newer.Attached.Dropped));
        newer.WaitForBytes(counting.Length - 1000);
        counting.AssertMatches(newer);
    }

    [Fact]
    public void Many_takeovers_at_once_leave_exactly_one_stream_attached()
    {
        _guest.OpenLane().Attach(1, "one").Confirm().WaitFor("$");
        var lanes = Enumerable.Range(0, 20).Select(_ => _guest.OpenLane()).ToList();
        var streams = lanes.ConvertAll(lane => lane.Attach(1, "one"));
        streams.ForEach(stream => stream.Confirm());
        var last = _guest.OpenLane().Attach(1, "one").Confirm();
        streams.ForEach(stream => Assert.Equal(StreamCloseReason.TakenOver, stream.WaitForClosed().Reason));
        Assert.Contains("42", last.Run("echo $((6*7))"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_detach_sent_before_the_shell_is_there_is_done_once_it_is()
    {
        var lane = _guest.OpenLane();
        var shell = lane.Attach(1, "one");
        shell.Send(LinkFrameType.Detach);
        shell.Confirm();
        Assert.Equal(StreamCloseReason.Detached, shell.WaitForClosed().Reason);
        Assert.False(lane.Attach(2, "one").Confirm().Attached.Created);
    }

    [Fact]
    public void An_offset_beyond_the_end_counts_as_the_end()
    {
        var shell = _guest.OpenLane().Attach(1, "one", from: 1L << 60, program: Lane.Program(["cat"])).Confirm();
        Assert.Equal((0L, 0L), (shell.Attached.StartOffset, shell.Attached.Dropped));
    }

    [Fact]
    public void No_more_than_the_credit_is_sent_and_the_program_waits()
    {
        var lane = _guest.OpenLane();
        var counting = new Counting(100_000);
        var shell = counting.Attach(lane, 1, credit: 10_000);
        shell.WaitForBytes(10_000);

        // The answer to a ping shows that nothing else was sent before it.
        lane.Ping();
        Assert.Equal(10_000, shell.Output.Length);
        var end = lane.WaitForShells(_ => true).Single().EndOffset;
        Assert.InRange(end, 10_000, 10_000 + (64 * 1024));
        shell.Grant(uint.MaxValue);
        shell.Grant(uint.MaxValue);
        shell.WaitForBytes(counting.Length);
        counting.AssertMatches(shell);
    }

    [Fact]
    public void The_smallest_ring_works_like_the_largest()
    {
        var counting = new Counting(50_000);
        var lane = _guest.OpenLane();
        var shell = counting.Attach(lane, 1, credit: 100_000, ring: 1);
        shell.WaitForBytes(100_000);
        counting.AssertMatches(shell);
        lane.Dispose();
        _guest.OpenLane().WaitForShells(shells => shells.Single().EndOffset == counting.Length);
        var again = _guest.OpenLane().Attach(1, "counting", from: 0).Confirm();
        Assert.Equal(counting.Length - 4096, again.Attached.StartOffset);
        again.WaitForBytes(4096);
        counting.AssertMatches(again);
    }

    /// <summary>A program that prints numbers, so that the byte at any offset is known.</summary>
    private sealed class Counting(int count)
    {
        private readonly byte[] _expected = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, count).Select(number => number + "\n")));

        public int Length => _expected.Length;

        public ShellUnderTest Attach(Lane lane, uint stream, uint credit = 1 << 30, uint ring = RingBytes) =>
            lane.Attach(stream, "counting", credit: credit, ring: ring, program: Lane.Program(["sh", "-c", $"stty raw -echo; seq 1 {count}; exec cat"])).Confirm();

        public void AssertMatches(ShellUnderTest shell) =>
            Assert.True(_expected.AsSpan((int)shell.Attached.StartOffset, shell.Output.Length).SequenceEqual(shell.Output), "the bytes differ from what was printed");
    }
}
