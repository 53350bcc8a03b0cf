using System.Diagnostics;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>A guest with nothing but one connected stream, on which everything is multiplexed.</summary>
public sealed class SingleLaneTests
{
    [Fact]
    public void Everything_works_on_one_connected_lane_and_the_guest_ends_with_it()
    {
        using var guest = GuestUnderTest.StartWithOneLane(out var lane);
        var one = lane.Attach(1, "one").Confirm();
        var two = lane.Attach(2, "two").Confirm();
        Assert.Contains("42", one.Run("echo $((6*7))"), StringComparison.Ordinal);
        Assert.Contains("43", two.Run("echo $((6*7+1))"), StringComparison.Ordinal);
        var again = lane.Attach(3, "one").Confirm();
        Assert.Equal(StreamCloseReason.TakenOver, one.WaitForClosed().Reason);
        Assert.Equal(1, lane.WaitForShells(_ => true).Count(shell => shell.ShellId == "one"));
        Assert.Contains("44", again.Run("echo $((6*7+2))"), StringComparison.Ordinal);
        var processes = guest.Descendants();
        lane.Dispose();
        Assert.Equal(0, guest.WaitForExit());
        guest.WaitUntilGone(processes);
    }

    [Fact]
    public void A_keystroke_is_answered_while_other_shells_of_the_lane_flood_it()
    {
        using var guest = GuestUnderTest.StartWithOneLane(out var lane);
        var floods = Enumerable.Range(2, 5).Select(number => lane.Attach((uint)number, $"flood-{number}", program: Lane.Program(["yes"])).Confirm()).ToList();
        floods.ForEach(flood => flood.WaitForBytes(100_000));
        var typist = lane.Attach(1, "typist").Confirm();
        typist.WaitFor("$ ");
        var times = new List<TimeSpan>();
        for (var i = 0; i < 20; i++)
        {
            var typed = Stopwatch.StartNew();
            typist.Run("true");
            times.Add(typed.Elapsed);
        }

        // What is under way on the lane when the key is pressed has to be read first by this test's slow reader: a few hundred KB.
        Assert.True(times.Order().ElementAt(10) < TimeSpan.FromMilliseconds(500), $"median {times.Order().ElementAt(10)}");
    }

    [Fact]
    public void Flooding_shells_get_equal_turns()
    {
        using var guest = GuestUnderTest.StartWithOneLane(out var lane);
        var floods = Enumerable.Range(1, 4).Select(number => lane.Attach((uint)number, $"flood-{number}", program: Lane.Program(["yes"])).Confirm()).ToList();
        floods[0].WaitForBytes(4_000_000);
        Assert.All(floods, flood => Assert.InRange(flood.OutputLength, 4_000_000 / 4, 4_000_000 * 4));
    }
}
