using System.Net;
using System.Net.Sockets;
using Porthole.Server.Shells;

namespace Porthole.Server.Tests.Shells;

/// <summary>A server may die between any two instructions: here, between the send of a frame and the note of it.</summary>
public sealed class ShellCursorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string CursorPath => Path.Combine(_directory.Path, "cursors", "shell");

    [Fact]
    public unsafe void A_frame_that_the_kernel_took_counts_although_nobody_noted_it()
    {
        var (sender, receiver) = Connect();
        using (sender)
        using (receiver)
        {
            using var cursor = ShellCursor.Open(CursorPath);
            cursor.Follow(7, 1000);
            var writer = new SocketWriter { Fd = (int)sender.Handle, Receipt = cursor.Receipt };
            cursor.Announce(1500, 504);
            Assert.True(writer.Write(new byte[504]));
            using (var next = ShellCursor.Open(CursorPath))
                Assert.Equal((7, 1500), (next.Incarnation, next.Offset));
        }
    }

    [Fact]
    public unsafe void A_frame_that_the_kernel_took_in_part_or_not_at_all_does_not_count()
    {
        var (sender, receiver) = Connect();
        using (sender)
        using (receiver)
        {
            using var cursor = ShellCursor.Open(CursorPath);
            cursor.Follow(7, 1000);
            var writer = new SocketWriter { Fd = (int)sender.Handle, Receipt = cursor.Receipt };
            cursor.Announce(10_001_000, 10_000_004);
            using (var unsent = ShellCursor.Open(CursorPath))
                Assert.Equal(1000, unsent.Offset);
            cursor.Announce(10_001_000, 10_000_004);
            Assert.True(writer.Write(new byte[10_000_004]));
            Assert.True(writer.PendingBytes > 0);
            using (var next = ShellCursor.Open(CursorPath))
                Assert.Equal(1000, next.Offset);
        }
    }

    [Fact]
    public void What_was_noted_stands_whatever_was_announced_before()
    {
        using (var cursor = ShellCursor.Open(CursorPath))
        {
            cursor.Follow(7, 1000);
            cursor.Announce(1500, 504);
            cursor.Offset = 1200;
        }

        using var next = ShellCursor.Open(CursorPath);
        Assert.Equal(1200, next.Offset);
    }

    [Fact]
    public void A_file_of_a_version_without_announcements_is_read()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(CursorPath)!);
        File.WriteAllBytes(CursorPath, [.. BitConverter.GetBytes(7L), .. BitConverter.GetBytes(1234L)]);
        using var cursor = ShellCursor.Open(CursorPath);
        Assert.Equal((7, 1234), (cursor.Incarnation, cursor.Offset));
    }

    [Fact]
    public void After_it_is_disposed_of_its_memory_is_not_touched()
    {
        var cursor = ShellCursor.Open(CursorPath);
        cursor.Dispose();
        cursor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cursor.Incarnation);
        Assert.Throws<ObjectDisposedException>(() => cursor.Offset = 1);
    }

    public void Dispose() => _directory.Dispose();

    private static (Socket Sender, Socket Receiver) Connect()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var receiver = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        receiver.Connect(listener.LocalEndPoint!);
        var sender = listener.Accept();
        sender.Blocking = false;
        return (sender, receiver);
    }
}
