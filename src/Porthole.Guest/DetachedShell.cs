using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>
/// A shell that no stream is attached to, on the home loop: what it prints goes into the ring, which forgets the oldest,
/// and what was typed before the stream went is still delivered.
/// </summary>
internal sealed class DetachedShell : IPollable
{
    // A turn among others: what the largest frame would carry.
    private const int MaxBytesPerTurn = 64 * 1024;

    private readonly Shell _shell;
    private Watch _watch;
    private bool _nobodyHasItOpen;

    public DetachedShell(EventLoop loop, Shell shell)
    {
        _shell = shell;
        _watch = new Watch(loop, shell.Terminal.Master.Number, this);
        WatchTerminal();
    }

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        _shell.WriteQueuedInput();
        var read = TerminalRead.Data;
        for (var bytes = 0; bytes < MaxBytesPerTurn && read == TerminalRead.Data;)
        {
            read = _shell.Read(MaxBytesPerTurn, out var count);
            bytes += count;
        }

        _nobodyHasItOpen = read == TerminalRead.NobodyHasItOpen;
        WatchTerminal();
    }

    /// <summary>Lets go of the shell: a stream takes it, or it is at its end.</summary>
    public void Leave() => _watch.Set(PollEvents.None);

    private void WatchTerminal()
    {
        var interest = PollEvents.Readable | (_nobodyHasItOpen ? PollEvents.EdgeTriggered : PollEvents.None);
        if (_shell.QueuedInputBytes > 0 && !_nobodyHasItOpen)
            interest |= PollEvents.Writable;
        _watch.Set(interest);
    }
}
