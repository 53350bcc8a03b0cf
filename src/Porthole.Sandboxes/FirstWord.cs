using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>Waits until a peer has sent something, and leaves it there to be read.</summary>
internal sealed class FirstWord : IPollable
{
    private readonly EventLoop _loop;
    private readonly TaskCompletionSource<bool> _spoken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private FirstWord(EventLoop loop) => _loop = loop;

    /// <summary>Answers true for bytes, false when the peer has gone without any. The caller keeps the socket open meanwhile.</summary>
    /// <exception cref="OperationCanceledException">Neither came in time; the socket is closed then.</exception>
    public static async Task<bool> WaitAsync(EventLoop loop, Descriptor socket, CancellationToken cancel)
    {
        var waiting = new FirstWord(loop);
        loop.Post(() => loop.Add(socket.Number, PollEvents.Readable, waiting));
        await using var registration = cancel.Register(() => loop.Post(() =>
        {
            if (!waiting._spoken.TrySetCanceled(cancel))
                return;
            loop.Remove(socket.Number);
            socket.Dispose();
        }));
        return await waiting._spoken.Task;
    }

    unsafe void IPollable.OnReady(int fd, PollEvents ready)
    {
        byte first;
        var count = Libc.Recv(fd, &first, 1, Libc.MSG_PEEK | Libc.MSG_DONTWAIT);
        if (count < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR)
            return;
        _loop.Remove(fd);
        _spoken.TrySetResult(count > 0);
    }
}
