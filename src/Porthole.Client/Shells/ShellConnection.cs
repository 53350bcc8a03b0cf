using Porthole.Protocol.Shells;

namespace Porthole.Client;

/// <summary>
/// A terminal in a session. It outlives its connections: a drop is bridged, and what was printed and typed meanwhile is delivered afterwards.
/// </summary>
/// <remarks>
/// <para>
/// One caller reads (<see cref="ReadAsync"/> or <see cref="ReadAllAsync"/>), any number send. The reader is the engine: acknowledgements,
/// the end of the shell and reconnects happen only while somebody reads, so keep reading as long as you send. A slow reader holds
/// the shell up, as a slow terminal does.
/// </para>
/// <para>Disposing detaches; the shell lives on. <see cref="CloseAsync"/> ends it.</para>
/// </remarks>
public sealed partial class ShellConnection : IAsyncDisposable
{
    // Time in which a server that is there answers a WebSocket close; after that a detach is one-sided.
    private static readonly TimeSpan GoodbyeBound = TimeSpan.FromSeconds(1);

    private readonly ShellConnector _connector;
    private readonly ReconnectPolicy? _policy;
    private readonly TimeProvider _time;

    // Cancelled when this client wants no more: ends waits and breaks the socket. Never disposed, because a reader may still hold its token;
    // once cancelled it holds nothing.
    private readonly CancellationTokenSource _lifetime;

    // Guards what readers and senders share: the input, what is to be sent, the socket to send on, and the end.
    private readonly Lock _gate = new();

    private volatile ShellEnd? _end;

    private ShellConnection(ShellConnector connector, ShellOptions options)
    {
        _connector = connector;
        _policy = options.Reconnect;
        _time = connector.Time;
        _lifetime = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        _pacer = new FramePacer(_time);
        _size = options.Size;
        SessionId = options.SessionId ?? Protocol.Shells.SessionId.NewId();
        ShellId = options.ShellId ?? Protocol.Shells.ShellId.NewId();
    }

    /// <summary>The session, as the server confirmed it.</summary>
    public string SessionId { get; private set; }

    /// <summary>The shell, as the server confirmed it.</summary>
    public string ShellId { get; private set; }

    /// <summary>Whether the shell existed before the first attach.</summary>
    public bool Reattached { get; private set; }

    /// <summary>Bytes of output that were lost before the first attach.</summary>
    public long BytesDropped { get; private set; }

    /// <summary>How it ended; null while it goes on.</summary>
    public ShellEnd? End => _end;

    internal static async Task<ShellConnection> OpenAsync(ShellConnector connector, ShellOptions options, CancellationToken cancellation)
    {
        var shell = new ShellConnection(connector, options);
        try
        {
            var attached = await shell.AttachAsync(options.AttachTimeout, cancellation).ConfigureAwait(false);
            if (attached.Confirmed is { } confirmed)
            {
                (shell.Reattached, shell.BytesDropped) = (confirmed.Reconnected, confirmed.BytesDropped);
                shell.Use(attached.Socket!);
                shell.TryInstall(attached.Socket!, input => input.Start(confirmed.InputOffset));
            }
            else if (attached.End is { Reason: ShellEndReason.Exited } exited)
            {
                shell.Finish(exited);
            }
            else
            {
                throw new AgentCoreException($"The shell could not be opened: {attached.Reason}.");
            }

            return shell;
        }
        catch
        {
            await shell.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Leaves the shell running and ends this connection; the reader then gets <see cref="ShellEndReason.Detached"/>. Input given
    /// before goes out first if the connection is there. Takes at most two seconds.
    /// </summary>
    public async Task DetachAsync()
    {
        ShellSocket? socket;
        lock (_gate)
        {
            _leaving = true;
            socket = _sendTarget;
        }

        if (socket is null)
        {
            await _lifetime.CancelAsync().ConfigureAwait(false);
            return;
        }

        await FlushedWithinBoundAsync().ConfigureAwait(false);
        await socket.CloseOutputAsync().ConfigureAwait(false);

        // The server answers with a close of its own, which the reader sees. One that does not is left.
        _lifetime.CancelAfter(GoodbyeBound);
    }

    /// <summary>
    /// Asks the server to end the shell: SIGHUP, and SIGKILL after a grace time. Input given before goes out first; the reader gets
    /// <see cref="ShellEndReason.Closed"/>. While disconnected, the request goes out after the reconnect.
    /// </summary>
    /// <param name="cancellation">Gives up waiting for the request to be written.</param>
    public Task CloseAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
            _closeWanted = true;
        FlushIfIdle();
        return FlushedAsync().WaitAsync(cancellation);
    }

    /// <summary>Detaches if that has not happened, and releases the connection. Takes at most two seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        await FlushedWithinBoundAsync().ConfigureAwait(false);
        Finish(new ShellEnd(ShellEndReason.Detached, "detached"));
        if (_socket is { } socket)
        {
            await socket.CloseOutputAsync().ConfigureAwait(false);
            socket.Dispose();
        }

        await _lifetime.CancelAsync().ConfigureAwait(false);
    }

    private async Task FlushedWithinBoundAsync()
    {
        try
        {
            await FlushedAsync().WaitAsync(GoodbyeBound, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The connection takes nothing any more. Whoever leaves does not wait for it.
        }
    }

    // The first reason stays; what follows is its consequence.
    private ShellEnd Finish(ShellEnd end)
    {
        lock (_gate)
        {
            _end ??= end;
            _sendTarget = null;
            AnnounceRoom();
            return _end;
        }
    }

    private ShellEnd? EndFor(ShellDrop drop)
    {
        lock (_gate)
        {
            if (_leaving) return new ShellEnd(ShellEndReason.Detached, "detached");
            if (_closeSent && drop.CloseCode == ShellCloseCode.Ended) return new ShellEnd(ShellEndReason.Closed, "the shell was closed");
        }

        return drop.CloseCode switch
        {
            ShellCloseCode.TakenOver => new ShellEnd(ShellEndReason.TakenOver, drop.Reason),
            ShellCloseCode.Ended or ShellCloseCode.TextNotAccepted => new ShellEnd(ShellEndReason.Failed, drop.Reason),
            _ => null,
        };
    }

    private static ShellEnd EndFor(ShellStatus.Exited exited) => new(
        ShellEndReason.Exited,
        exited.Signal is { } signal ? $"the shell was ended by signal {signal}" : $"the shell exited with code {exited.ExitCode}",
        exited.ExitCode,
        exited.Signal);

    private static ShellEnd EndFor(ShellStatus.PlatformError error) => new(ShellEndReason.Failed, error.Message);

    private ShellEnd TakenAway()
    {
        lock (_gate)
        {
            return _closeSent
                ? new ShellEnd(ShellEndReason.Closed, "the shell was closed")
                : new ShellEnd(ShellEndReason.TakenAway, "the shell was ended by the server: its session was stopped or ran out of time");
        }
    }
}
