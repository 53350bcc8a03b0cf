using System.Net.Sockets;
using Porthole.Protocol.Link;
using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// A shell that is started in a fresh machine and ended at its prompt, before anybody uses the machine: what the first shell of a session then
/// needs has been read from the disk, and translated where a machine is emulated. It leaves no trace.
/// </summary>
internal static class FirstShell
{
    private const uint Stream = 1;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private static readonly string[] Environment = ["HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm-256color", "LANG=C.UTF-8", "HISTFILE="];

    /// <summary>Runs it.</summary>
    /// <param name="sandbox">The machine.</param>
    /// <param name="image">What the machine is made of.</param>
    /// <exception cref="SandboxException">The machine has ended.</exception>
    /// <exception cref="IOException">The guest closed the lane.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public static async Task RunAsync(Sandbox sandbox, PreparedImage image)
    {
        using var late = new CancellationTokenSource(Timeout);
        using var descriptor = await sandbox.ConnectAsync(late.Token);
        using var socket = new Socket(new SafeSocketHandle(descriptor.Number, ownsHandle: false));
        var writer = new LinkWriter();
        await SendAsync(new LinkHello(LinkHello.CurrentVersion).Write(writer).ToArray());
        var program = new ProgramSpec([image.Shell, image.RootDirectory is null ? "--login" : "-i"], Environment, "/");
        const int credit = 64 * 1024, ring = 4 * 1024;
        await SendAsync(new AttachShell("first", -1, new TerminalSize(80, 24), credit, ring, program).Write(writer, Stream).ToArray());
        var buffer = new byte[LinkFrame.MaxFrameBytes];
        var length = 0;
        var isHungUp = false;
        while (true)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(length), late.Token);
            if (count == 0)
                throw new IOException("the guest closed the lane");
            length += count;
            var taken = 0;
            while (length - taken >= LinkFrame.HeaderBytes)
            {
                var frame = LinkFrame.ReadHeader(buffer.AsSpan(taken));
                if (length - taken < LinkFrame.HeaderBytes + frame.Length)
                    break;
                taken += LinkFrame.HeaderBytes + frame.Length;
                if (frame.Type is LinkFrameType.Exited or LinkFrameType.Failed)
                    return;
                if (frame.Type != LinkFrameType.Output || isHungUp)
                    continue;
                isHungUp = true;
                await SendAsync(LinkSmallFrames.WriteEmpty(writer, LinkFrameType.Hangup, Stream).ToArray());
            }

            buffer.AsSpan(taken, length - taken).CopyTo(buffer);
            length -= taken;
        }

        async Task SendAsync(ReadOnlyMemory<byte> frame)
        {
            while (!frame.IsEmpty)
                frame = frame[await socket.SendAsync(frame, SocketFlags.None, late.Token)..];
        }
    }
}
