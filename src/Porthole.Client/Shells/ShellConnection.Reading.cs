using System.Runtime.CompilerServices;
using System.Text;
using Porthole.Protocol.Shells;

namespace Porthole.Client;

// The reader's side: one connection after the other, until the end.
public sealed partial class ShellConnection
{
    // Output may arrive before the confirmation; a server that prints this much without confirming is none.
    private const int MaxEarlyBytes = 1024 * 1024;

    private readonly Queue<ReadOnlyMemory<byte>> _early = new();
    private ShellSocket? _socket;
    private CancellationTokenRegistration _breaker;
    private ReconnectSchedule? _schedule;
    private TimeSpan _wait;

    private readonly record struct Attach(ShellSocket? Socket, ShellStatus.Confirmed? Confirmed, ShellEnd? End, string Reason);

    /// <summary>Reads what comes next: output, or a notice. After <see cref="ShellNotice.Ended"/> it gives the same again.</summary>
    /// <param name="cancellation">Gives the read up and breaks the connection with it; the next read reconnects.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ShellMessage> ReadAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            if (_early.TryDequeue(out var output)) return new ShellMessage(output, null);
            if (End is { } end) return Notice(new ShellNotice.Ended(end));
            if (_socket is not { } socket) return Notice(await ReconnectAsync(cancellation).ConfigureAwait(false));
            var frame = await socket.ReceiveAsync(cancellation).ConfigureAwait(false);
            if (frame.Channel == ShellFrameChannel.Stdout) return new ShellMessage(frame.Payload, null);
            if (Handle(frame) is { } notice) return Notice(notice);
        }
    }

    /// <summary>Reads until the end; the last message is <see cref="ShellNotice.Ended"/>.</summary>
    /// <param name="cancellation">As of <see cref="ReadAsync"/>.</param>
    public async IAsyncEnumerable<ShellMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ShellMessage message;
        do
        {
            message = await ReadAsync(cancellation).ConfigureAwait(false);
            yield return message;
        }
        while (message.Notice is not ShellNotice.Ended);
    }

    private static ShellMessage Notice(ShellNotice notice) => new(default, notice);

    private ShellNotice? Handle(ShellFrame frame)
    {
        if (frame.Drop is { } drop) return Drop(drop);
        switch (frame.Channel)
        {
            case ShellFrameChannel.Heartbeat:
                Acknowledged();
                return null;
            case ShellFrameChannel.Stderr:
                return new ShellNotice.Diagnostic(Encoding.UTF8.GetString(frame.Payload.Span));
            case ShellFrameChannel.Close:
                return new ShellNotice.Ended(Finish(TakenAway()));
            default:
                return Handle(frame.Payload.Span);
        }
    }

    private ShellNotice.Ended? Handle(ReadOnlySpan<byte> statusPayload)
    {
        // A second confirmation repeats the first for clients that read it late; a status that means nothing is passed over.
        if (!ShellStatus.TryParse(statusPayload, out var status)) return null;
        return status switch
        {
            ShellStatus.Exited exited => new ShellNotice.Ended(Finish(EndFor(exited))),
            ShellStatus.PlatformError error => new ShellNotice.Ended(Finish(EndFor(error))),
            _ => null,
        };
    }

    private ShellNotice Drop(ShellDrop drop)
    {
        StopSending();
        Use(null);
        if ((End ?? EndFor(drop)) is { } end) return new ShellNotice.Ended(Finish(end));
        if (_policy is null) return new ShellNotice.Ended(Finish(new ShellEnd(ShellEndReason.Lost, drop.Reason)));
        _schedule = new ReconnectSchedule(_policy, _time);
        _wait = _schedule.Next();
        return new ShellNotice.Disconnected(drop.Reason, drop.CloseCode);
    }

    // Leaves the socket there was. Leaving for good breaks the new one under the reader.
    private void Use(ShellSocket? socket)
    {
        _breaker.Dispose();
        _socket?.Dispose();
        _socket = socket;
        if (socket is not null) _breaker = _lifetime.Token.UnsafeRegister(static state => ((ShellSocket)state!).Abort(), socket);
    }

    // One attempt, after its wait.
    private async Task<ShellNotice> ReconnectAsync(CancellationToken cancellation)
    {
        Attach attached;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _lifetime.Token);
            await Task.Delay(_wait, _time, either.Token).ConfigureAwait(false);
            if (_schedule!.IsOver) return new ShellNotice.Ended(Finish(new ShellEnd(ShellEndReason.Lost, "the connection did not come back in time")));
            attached = await TryAttachAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ShellNotice.Ended(Finish(new ShellEnd(ShellEndReason.Detached, "detached")));
        }

        if (attached.End is { } end) return new ShellNotice.Ended(Finish(end));
        if (attached.Confirmed is { } confirmed) return Resume(attached.Socket!, confirmed);
        _wait = _schedule.Next();
        return new ShellNotice.RetryFailed(_schedule.Attempts - 1, attached.Reason, _wait);
    }

    private ShellNotice Resume(ShellSocket socket, ShellStatus.Confirmed confirmed)
    {
        InputResume resume = default;
        Use(socket);
        var installed = TryInstall(socket, input =>
            resume = confirmed.Reconnected ? input.Resume(confirmed.InputOffset) : input.Restart(confirmed.InputOffset));
        if (!installed)
        {
            Use(null);
            return new ShellNotice.Ended(End!);
        }

        return new ShellNotice.Reconnected(confirmed.Reconnected, confirmed.BytesDropped, resume.Resent, resume.Lost);
    }

    private async Task<Attach> TryAttachAsync(CancellationToken cancellation)
    {
        try
        {
            return await AttachAsync(_policy!.AttemptTimeout, cancellation).ConfigureAwait(false);
        }
        catch (AgentCoreException e)
        {
            // Every refusal is retried, as the official SDKs do: a server that starts or a session that moves refuses for a while.
            return new Attach(null, null, null, e.Message);
        }
    }

    private async Task<Attach> AttachAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(timeout, _time);
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        ShellSocket? socket = null;
        try
        {
            socket = await _connector.ConnectAsync(SessionId, ShellId, bound.Token).ConfigureAwait(false);
            var attached = await ConfirmAsync(socket, bound.Token).ConfigureAwait(false);
            if (attached.Confirmed is { } confirmed)
            {
                SessionId = socket.SessionId ?? SessionId;
                ShellId = socket.ShellId ?? confirmed.ShellId;
                socket = null;
            }

            return attached;
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new AgentCoreException($"The server did not open the shell within {timeout.TotalSeconds:0} s.");
        }
        finally
        {
            socket?.Dispose();
        }
    }

    private async Task<Attach> ConfirmAsync(ShellSocket socket, CancellationToken cancellation)
    {
        var earlyBytes = 0;
        while (true)
        {
            var frame = await socket.ReceiveAsync(cancellation).ConfigureAwait(false);
            if (frame.Drop is { } drop) return new Attach(null, null, EndFor(drop), drop.Reason);
            switch (frame.Channel)
            {
                case ShellFrameChannel.Stdout when (earlyBytes += frame.Payload.Length) > MaxEarlyBytes:
                    return new Attach(null, null, null, "the server prints without confirming the shell");
                case ShellFrameChannel.Stdout:
                    _early.Enqueue(frame.Payload.ToArray());
                    break;
                case ShellFrameChannel.Close:
                    return Ended(TakenAway());
                case ShellFrameChannel.Status when ShellStatus.TryParse(frame.Payload.Span, out var status):
                    switch (status)
                    {
                        case ShellStatus.Confirmed confirmed: return new Attach(socket, confirmed, null, "");
                        case ShellStatus.Exited exited: return Ended(EndFor(exited));
                        case ShellStatus.PlatformError error: return Ended(EndFor(error));
                    }

                    break;
            }
        }
    }

    private static Attach Ended(ShellEnd end) => new(null, null, end, end.Message);
}
