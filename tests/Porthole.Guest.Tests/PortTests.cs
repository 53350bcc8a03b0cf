using System.Net;
using System.Net.Sockets;
using System.Text;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Tests;

/// <summary>Connections to ports: what a program listening beside the guest and the server at the other end see.</summary>
public sealed class PortTests : IDisposable
{
    private readonly GuestUnderTest _guest = GuestUnderTest.Start();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public PortTests() => _listener.Start();

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose()
    {
        _listener.Dispose();
        _guest.Dispose();
    }

    [Fact]
    public void Bytes_go_both_ways_and_each_direction_ends_by_itself()
    {
        var connection = _guest.OpenLane().Connect(1, Port).Confirm();
        using var peer = Accept();
        connection.Write("ask"u8);
        connection.Send(LinkFrameType.EndOfInput);
        Assert.Equal("ask", ReadToEnd(peer));
        peer.Send("answer"u8);
        connection.WaitFor("answer");
        peer.Shutdown(SocketShutdown.Send);
        connection.WaitForEndOfOutput();
        Assert.Equal(StreamCloseReason.Ended, connection.WaitForClosed().Reason);
    }

    [Fact]
    public void The_peer_may_end_its_direction_first()
    {
        var connection = _guest.OpenLane().Connect(1, Port).Confirm();
        using var peer = Accept();
        peer.Send("hello"u8);
        peer.Shutdown(SocketShutdown.Send);
        connection.WaitForEndOfOutput();
        connection.Write("still here"u8);
        connection.Send(LinkFrameType.EndOfInput);
        Assert.Equal("still here", ReadToEnd(peer));
        Assert.Equal(("hello", StreamCloseReason.Ended), (connection.Text, connection.WaitForClosed().Reason));
    }

    [Fact]
    public async Task A_large_body_goes_there_and_back_whole_within_its_credit()
    {
        var connection = _guest.OpenLane().Connect(1, Port, credit: 100_000).Confirm();
        using var peer = Accept();
        var echo = Task.Run(() => Echo(peer), TestContext.Current.CancellationToken);
        var body = new byte[8 << 20];
        new Random(1).NextBytes(body);
        connection.Grant((uint)body.Length - 100_000);
        connection.Write(body);
        connection.Send(LinkFrameType.EndOfInput);
        connection.WaitForBytes(body.Length);
        Assert.Equal(body, connection.Output);
        await echo.WaitAsync(Lane.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void No_more_output_comes_than_there_is_credit_for()
    {
        var lane = _guest.OpenLane();
        var connection = lane.Connect(1, Port, credit: 1000).Confirm();
        using var peer = Accept();
        peer.Send(new byte[5000]);
        connection.WaitForBytes(1000);
        lane.Ping();
        Assert.Equal(1000, connection.OutputLength);
        connection.Grant(4000);
        connection.WaitForBytes(5000);
    }

    [Fact]
    public void A_program_that_reads_nothing_is_sent_what_its_kernel_takes_and_no_more()
    {
        var lane = _guest.OpenLane();
        var connection = lane.Connect(1, Port).Confirm();
        using var peer = Accept();
        var before = _guest.ResidentBytes;
        var sent = Fill(lane, connection);
        Assert.InRange(sent, 256 * 1024, 32 << 20);
        Assert.InRange(_guest.ResidentBytes - before, -(64L << 20), 8 << 20);
        connection.Send(LinkFrameType.EndOfInput);
        Assert.Equal(sent, ReadToEnd(peer).Length);
    }

    [Fact]
    public void Input_beyond_its_credit_closes_the_lane()
    {
        var lane = _guest.OpenLane();
        var connection = lane.Connect(1, Port).Confirm();
        using var peer = Accept();
        Fill(lane, connection);
        connection.WriteBeyondCredit("x"u8);
        lane.WaitForClose();
    }

    [Fact]
    public void A_port_that_nobody_listens_on_is_a_clear_failure()
    {
        var port = Port;
        _listener.Stop();
        var failure = _guest.OpenLane().Connect(1, port).WaitForFailure();
        Assert.Equal(LinkFailureReason.Disconnected, failure.Reason);
        Assert.Contains("Connection refused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_resets_is_a_failure_and_an_answer_in_front_of_it_still_comes()
    {
        var connection = _guest.OpenLane().Connect(1, Port).Confirm();
        using (var peer = Accept())
        {
            peer.Send("413 too large"u8);
            connection.WaitFor("413 too large");
            peer.LingerState = new LingerOption(true, 0);
        }

        Assert.Contains("reset", connection.WaitForFailure().Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Leaving_closes_the_connection(bool byItsLane)
    {
        var lane = _guest.OpenLane();
        var connection = lane.Connect(1, Port).Confirm();
        using var peer = Accept();
        if (byItsLane)
        {
            lane.Dispose();
        }
        else
        {
            connection.Send(LinkFrameType.Detach);
            Assert.Equal(StreamCloseReason.Detached, connection.WaitForClosed().Reason);
        }

        Assert.Equal("", ReadToEnd(peer));
    }

    [Fact]
    public void Two_hundred_connections_on_one_lane_leave_nothing_behind()
    {
        using var guest = GuestUnderTest.StartWithOneLane(out var lane);
        lane.Ping();
        var descriptors = guest.DescriptorCount;
        for (uint i = 1; i <= 200; i++)
        {
            var connection = lane.Connect(i, Port).Confirm();
            using var peer = Accept();
            connection.Write("x"u8);
            connection.Send(LinkFrameType.EndOfInput);
            Assert.Equal("x", ReadToEnd(peer));
            peer.Shutdown(SocketShutdown.Send);
            connection.WaitForEndOfOutput();
            connection.WaitForClosed();
        }

        Assert.Equal(descriptors, guest.DescriptorCount);
    }

    private Socket Accept()
    {
        Assert.True(_listener.Server.Poll(Lane.Patience, SelectMode.SelectRead), "nobody connected");
        var peer = _listener.AcceptSocket();
        peer.ReceiveTimeout = peer.SendTimeout = (int)Lane.Patience.TotalMilliseconds;
        return peer;
    }

    /// <summary>Sends until no credit comes back any more.</summary>
    private static long Fill(Lane lane, PortUnderTest connection)
    {
        var sent = 0L;
        for (lane.Ping(); connection.InputCredit > 0; lane.Ping())
        {
            var part = new byte[Math.Min(connection.InputCredit, 32 * 1024)];
            connection.WriteBeyondCredit(part);
            sent += part.Length;
        }

        return sent;
    }

    private static string ReadToEnd(Socket peer)
    {
        var text = new StringBuilder();
        var buffer = new byte[64 * 1024];
        for (int count; (count = peer.Receive(buffer)) > 0;)
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        return text.ToString();
    }

    private static void Echo(Socket peer)
    {
        var buffer = new byte[64 * 1024];
        for (int count; (count = peer.Receive(buffer)) > 0;)
        {
            for (var sent = 0; sent < count;)
                sent += peer.Send(buffer.AsSpan(sent, count - sent));
        }

        peer.Shutdown(SocketShutdown.Send);
    }
}
