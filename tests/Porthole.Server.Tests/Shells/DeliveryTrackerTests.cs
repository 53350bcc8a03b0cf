using System.Net;
using System.Net.Sockets;
using Porthole.Server.Shells;

namespace Porthole.Server.Tests.Shells;

public class DeliveryTrackerTests
{
    [Fact]
    public void Only_whole_frames_that_the_peers_kernel_has_count_as_delivered()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var receiver = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        receiver.Connect(listener.LocalEndPoint!);
        using var sender = listener.Accept();
        sender.Blocking = false;
        sender.SendBufferSize = 64 * 1024;

        // Frames of 1,000 bytes until neither kernel takes any more; the receiver reads none of them.
        var writer = new SocketWriter { Fd = (int)sender.Handle };
        var tracker = new DeliveryTracker();
        tracker.Reset(5_000_000);
        var frames = 0;
        while (writer.PendingBytes == 0)
        {
            Assert.True(writer.Write(new byte[1000]));
            tracker.Sent(writer, 5_000_000 + ++frames * 990);
        }

        tracker.Refresh(writer);
        var acknowledged = tracker.AcknowledgedOffset - 5_000_000;
        Assert.Equal(0, acknowledged % 990);
        Assert.InRange(acknowledged, 0, (frames - 1) * 990);

        // Once the receiver has read everything, everything has been delivered.
        var total = 0;
        var buffer = new byte[64 * 1024];
        receiver.ReceiveTimeout = 10_000;
        while (total < frames * 1000)
        {
            total += receiver.Receive(buffer);
            Assert.True(writer.Flush());
        }

        // The last acknowledgement is the kernel's to send, in its own time.
        Assert.True(SpinWait.SpinUntil(() => Acknowledged(tracker, writer) == 5_000_000 + frames * 990, TimeSpan.FromSeconds(10)));
    }

    private static long Acknowledged(DeliveryTracker tracker, SocketWriter writer)
    {
        tracker.Refresh(writer);
        return tracker.AcknowledgedOffset;
    }
}
