using System.Buffers.Binary;
using System.Net.Sockets;
using FsCheck.Xunit;
using Porthole.Protocol.Link;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Shells;

public class HostileGuestTests
{
    [Property(MaxTest = 60)]
    public void Random_bytes_from_a_guest_end_its_own_connection_and_nothing_else(byte[] noise, bool afterAttach)
    {
        using var relay = new RelayUnderTest();
        if (afterAttach)
            relay.Confirm();
        else
            relay.Attach();
        SendAll(relay.Guest, noise);
        relay.Guest.Shutdown(SocketShutdown.Send);
        Drain(relay.Client);
        Assert.DoesNotContain(relay.Log.Lines, message => message.Contains("relay failed", StringComparison.Ordinal));
    }

    [Property(MaxTest = 60)]
    public void Well_formed_frames_with_random_payloads_end_its_own_connection_and_nothing_else(byte type, byte[] payload)
    {
        using var relay = new RelayUnderTest();
        relay.Confirm();
        var frame = new byte[LinkFrame.HeaderBytes + payload.Length];
        new LinkFrame(payload.Length, (LinkFrameType)type, 1).WriteTo(frame);
        payload.CopyTo(frame, LinkFrame.HeaderBytes);
        SendAll(relay.Guest, frame);
        relay.Guest.Shutdown(SocketShutdown.Send);
        Drain(relay.Client);
        Assert.DoesNotContain(relay.Log.Lines, message => message.Contains("relay failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_frame_that_announces_too_much_is_refused_on_its_header_with_1011()
    {
        using var relay = new RelayUnderTest();
        relay.Confirm();
        var header = new byte[LinkFrame.HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0xFF_FFFF | ((uint)LinkFrameType.Credit << 24));
        SendAll(relay.Guest, header);
        Drain(relay.Client);
        relay.Client.Close();
        var end = await relay.Connection.Ended.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal((1011, ConnectionEnd.PlatformError), (end.CloseCode, end.End));
    }

    [Fact]
    public async Task A_guest_that_has_closed_its_lane_ends_its_own_connection_and_nothing_else()
    {
        using var relay = new RelayUnderTest();
        relay.AttachToDeadGuest();
        Drain(relay.Client);
        relay.Client.Close();
        var end = await relay.Connection.Ended.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal((1000, ConnectionEnd.SessionEnded), (end.CloseCode, end.End));
    }

    private static void SendAll(Socket socket, byte[] bytes)
    {
        try
        {
            socket.Send(bytes);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            // The server has hung up on us already, which is what it may do.
        }
    }

    // Reads until the server's close frame or the end, as a client that has seen enough.
    private static void Drain(Socket client)
    {
        var buffer = new byte[4096];
        var last = new List<byte>();
        while (true)
        {
            int count;
            try
            {
                count = client.Receive(buffer);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                return;
            }

            if (count == 0)
                return;
            last.AddRange(buffer[..count]);
            if (last.Contains(0x88))
                return;
        }
    }
}
