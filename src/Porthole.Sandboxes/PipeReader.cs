using System.Buffers;
using System.Text;
using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>Reads a short text from a pipe until all who could write to it have closed it.</summary>
internal sealed class PipeReader : IPollable
{
    // Nobody has more to say than a bubblewrap info document, and what we read from may be hostile.
    private const int MaximumBytes = 16 * 1024;

    private readonly EventLoop _loop;
    private readonly Descriptor _pipe;
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly TaskCompletionSource<string> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PipeReader(EventLoop loop, Descriptor pipe) => (_loop, _pipe) = (loop, pipe);

    /// <summary>Takes ownership of the reading end; what lies beyond 16 KB is dropped.</summary>
    public static Task<string> ReadToEndAsync(EventLoop loop, Descriptor pipe)
    {
        pipe.SetNonBlocking();
        var reader = new PipeReader(loop, pipe);
        loop.Post(() => loop.Add(pipe.Number, PollEvents.Readable, reader));
        return reader._done.Task;
    }

    unsafe void IPollable.OnReady(int fd, PollEvents ready)
    {
        const int chunk = 1024;
        var buffer = stackalloc byte[chunk];
        while (true)
        {
            var count = Libc.Read(fd, buffer, chunk);
            if (count < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR)
                return;
            if (count <= 0 || _text.WrittenCount + count > MaximumBytes)
                break;
            _text.Write(new ReadOnlySpan<byte>(buffer, (int)count));
        }

        _loop.Remove(fd);
        _pipe.Dispose();
        _done.SetResult(Encoding.UTF8.GetString(_text.WrittenSpan));
    }
}
