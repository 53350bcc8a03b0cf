using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Porthole.Posix;
using Porthole.Server.Tls;

namespace Porthole.Server.Transport;

/// <summary>A listening TCP socket on an <see cref="EventLoop"/>.</summary>
internal sealed class LoopListener : IConnectionListener, IPollable
{
    // linux/tcp.h
    private const int IpProtoTcp = 6, TcpNoDelay = 1;

    private readonly EventLoop _loop;
    private readonly Socket _socket;
    private readonly int _fd;
    private readonly ServerCertificate? _certificate;
    private readonly Channel<LoopConnection> _accepted = Channel.CreateBounded<LoopConnection>(128);

    /// <summary>Begins to accept.</summary>
    /// <param name="loop">The loop that serves the connections.</param>
    /// <param name="socket">The socket, listening; owned from here on.</param>
    /// <param name="certificate">What clients are shown; null when they speak plain HTTP.</param>
    public LoopListener(EventLoop loop, Socket socket, ServerCertificate? certificate)
    {
        (_loop, _socket, _fd, _certificate) = (loop, socket, (int)socket.Handle, certificate);
        EndPoint = socket.LocalEndPoint!;
        loop.Post(() => loop.Add(_fd, PollEvents.Readable, this));
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken))
        {
            if (!_accepted.Reader.TryRead(out var connection))
                continue;
            _loop.Post(Listen);
            connection.Start();
            return connection;
        }

        return null;
    }

    public unsafe void OnReady(int fd, PollEvents ready)
    {
        while (true)
        {
            if (!_accepted.Reader.CanCount || _accepted.Reader.Count >= 128)
            {
                // Kestrel is behind; the kernel's backlog keeps the rest until it has taken one.
                _loop.Modify(_fd, PollEvents.None);
                return;
            }

            var accepted = Libc.Accept4(_fd, null, null, Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK);
            if (accepted < 0)
            {
                PauseWhenOutOfDescriptors(Errno.Last);
                return;
            }

            int one = 1;
            _ = Libc.SetSockOpt(accepted, IpProtoTcp, TcpNoDelay, &one, sizeof(int));
            _accepted.Writer.TryWrite(new LoopConnection(_loop, new Descriptor(accepted), _certificate));
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        var unbound = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(() =>
        {
            _loop.Remove(_fd);
            _socket.Dispose();
            _accepted.Writer.TryComplete();
            unbound.TrySetResult();
        });
        return new ValueTask(unbound.Task);
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private void PauseWhenOutOfDescriptors(int error)
    {
        // Level-triggered readiness would spin at 100 % while the process has no descriptor to spare.
        if (error is not (Errno.EMFILE or Errno.ENOMEM or 23))
            return;
        _loop.Modify(_fd, PollEvents.None);
        _loop.Schedule(TimeSpan.FromMilliseconds(100), Listen);
    }

    private void Listen()
    {
        if (!_socket.SafeHandle.IsClosed)
            _loop.Modify(_fd, PollEvents.Readable);
    }
}
