using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>A stream that is attached to a shell, or waits for the home loop to give it one.</summary>
internal sealed unsafe class ShellStream : LaneStream, IPollable
{
    // The server may have this much input under way: what one shell frame carries (contract section 4.5).
    private const int InputWindowBytes = 64 * 1024;

    // Half the window: a keystroke causes no Credit frame, and a paste never waits for one.
    private const int InputGrantBytes = InputWindowBytes / 2;

    // Above this the terminal is not read, and the program waits in write(2) as it does under ssh.
    private const int MaxUnsentBytes = 64 * 1024;

    // What a terminal gives in one read at most (N_TTY_BUF_SIZE). A much shorter one means that it was emptied: what there is goes out
    // at once, without a further read that would find nothing.
    private const int FullReadBytes = 4096;
    private const int ShortReadBytes = 1024;

    // What the kernel holds for a terminal at most (TTYB_DEFAULT_MEM_LIMIT, 640 KB), so all that was printed before the shell's exit is
    // within it. What its orphans print beyond that is not waited for.
    private const int MaxBytesAfterExit = 1024 * 1024;

    private readonly Home _home;
    private readonly Queue<LinkFrameType> _early = new();
    private TerminalSize? _earlySize;
    private Watch _watch;
    private long _sent;
    private int _inputAllowed = InputWindowBytes;
    private ProcessExit? _exit;
    private int _readAfterExit;
    private bool _terminalDone;
    private bool _nobodyHasItOpen;

    public ShellStream(Home home, Lane lane, uint number, AttachShell request) : base(lane, number, request.Credit) => _home = home;

    /// <summary>The shell, while this stream is attached to one.</summary>
    public Shell? Shell { get; private set; }

    /// <inheritdoc/>
    public override int ProcessId => Shell?.ProcessId ?? 0;

    private long Unsent => Shell!.Ring.End - _sent;

    /// <summary>Begins to relay: says where output starts, replays, and takes input.</summary>
    public void Attach(AttachShell request, Shell shell, bool created, ProcessExit? exit)
    {
        (Shell, _exit) = (shell, exit);
        var wanted = Math.Min(request.FromOffset < 0 ? shell.SentOffset : request.FromOffset, shell.Ring.End);
        _sent = Math.Max(wanted, shell.OldestOffset);
        _inputAllowed = InputWindowBytes - shell.QueuedInputBytes;
        var attached = new ShellAttached(created, shell.Incarnation, _sent, _sent - wanted, shell.InputOffset, (uint)_inputAllowed);
        Lane.Sender.Send(attached.Write(Lane.Writer, Number));
        _watch = new Watch(Lane.Loop, shell.Terminal.Master.Number, this);
        if (_earlySize is { } size)
            shell.Terminal.Resize(size.Columns, size.Rows);
        while (Shell is not null && _early.TryDequeue(out var type))
            OnFrame(type, []);
        if (_exit is not null)
            ReadTerminal();
        Continue();
    }

    /// <summary>Gives the shell back to the home loop, closing this stream.</summary>
    public void Leave(StreamCloseReason reason)
    {
        Lane.Remove(this);
        Lane.Sender.Send(new StreamClosed(reason, _sent).Write(Lane.Writer, Number));
        GiveBack();
    }

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        if (Lane.IsShared)
            Lane.Receive(); // Input never waits behind output.
        if (Shell is null)
            return;
        if ((ready & PollEvents.Writable) != 0)
            WriteInput();
        if ((ready & ~PollEvents.Writable) != 0)
            ReadTerminal();
        Continue();
        Lane.UpdateWatch();
    }

    /// <inheritdoc/>
    public override void OnFrame(LinkFrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case LinkFrameType.Credit:
                Grant(LinkSmallFrames.ReadCredit(payload));
                Continue();
                break;
            case LinkFrameType.Resize when Shell is null:
                _earlySize = TerminalSize.Read(payload);
                break;
            case LinkFrameType.Resize:
                var size = TerminalSize.Read(payload);
                Shell.Terminal.Resize(size.Columns, size.Rows);
                break;
            case LinkFrameType.Detach or LinkFrameType.Hangup when Shell is null:
                if (_early.Count < 2)
                    _early.Enqueue(type);
                break;
            case LinkFrameType.Detach:
                Leave(StreamCloseReason.Detached);
                break;
            case LinkFrameType.Hangup:
                var shell = Shell!;
                _home.Loop.Post(() => _home.HangUp(shell));
                break;
            case LinkFrameType.Input:
                TakeInput(payload);
                break;
            default:
                // From a newer peer: documented to be ignored.
                break;
        }
    }

    /// <inheritdoc/>
    public override bool SendOne()
    {
        if (Shell is null || Lane.Sender.IsBlocked)
            return false;
        var count = (int)Math.Min(Math.Min(Unsent, Credit), LinkFrame.MaxPayloadBytes);
        if (count <= 0)
            return false;
        var parts = stackalloc Libc.IoVec[2];
        var used = Shell.Ring.Slice(_sent, count, parts);
        Lane.Sender.SendData(LinkFrameType.Output, Number, parts, used);
        _sent += count;
        Shell.SentOffset = Math.Max(Shell.SentOffset, _sent);
        Spend(count);
        return true;
    }

    /// <inheritdoc/>
    public override void OnLaneClosed() => GiveBack();

    /// <inheritdoc/>
    public override void OnExit(ProcessExit exit)
    {
        _exit = exit;
        ReadTerminal();
        Continue();
    }

    private void TakeInput(ReadOnlySpan<byte> payload)
    {
        _inputAllowed -= payload.Length;
        if (_inputAllowed < 0 || Shell is null)
            throw new LinkProtocolException("input beyond its credit");
        Shell.Accept(payload);
        GrantInput();
        WatchTerminal();
    }

    private void WriteInput()
    {
        Shell!.WriteQueuedInput();
        GrantInput();
    }

    private void GrantInput()
    {
        var typed = InputWindowBytes - _inputAllowed - Shell!.QueuedInputBytes;
        if (typed < InputGrantBytes)
            return;
        _inputAllowed += typed;
        Lane.Sender.Send(LinkSmallFrames.WriteCredit(Lane.Writer, Number, (uint)typed));
    }

    /// <summary>Reads what the terminal has, up to one frame.</summary>
    private void ReadTerminal()
    {
        var shell = Shell!;
        var room = (int)Math.Min(Math.Min(MaxUnsentBytes, shell.ReplayBytes) - Unsent, Lane.IsShared ? 16 * 1024 : MaxUnsentBytes);
        while (room > 0 && !_terminalDone)
        {
            var read = shell.Read(room, out var count);
            if (read == TerminalRead.Data)
            {
                _nobodyHasItOpen = false;
                room -= count;
                _readAfterExit += _exit is null ? 0 : count;
                _terminalDone = _readAfterExit > MaxBytesAfterExit;
                if (room < FullReadBytes || (count < ShortReadBytes && _exit is null))
                    return;
                continue;
            }

            // Whatever the shell printed was read by now. Without an exit status it goes on, and may even open the terminal again.
            _nobodyHasItOpen = read == TerminalRead.NobodyHasItOpen;
            _terminalDone = _exit is not null;
            return;
        }
    }

    /// <inheritdoc/>
    public override void Continue()
    {
        if (Shell is null)
            return;
        do
        {
            while (SendOne())
            {
            }

            if (_exit is not null && !_terminalDone && Unsent == 0)
                ReadTerminal();
        }
        while (_exit is not null && Unsent > 0 && Credit > 0 && !Lane.Sender.IsBlocked);
        if (_terminalDone && Unsent == 0)
            Finish();
        else
            WatchTerminal();
    }

    private void Finish()
    {
        var shell = Shell!;
        Lane.Remove(this);
        Lane.Sender.Send(_exit!.Value.Write(Lane.Writer, Number));
        _watch.Set(PollEvents.None);
        Shell = null;
        _home.Loop.Post(() => _home.Finished(shell));
    }

    private void WatchTerminal()
    {
        var interest = PollEvents.None;
        if (!_terminalDone && Unsent < Math.Min(MaxUnsentBytes, Shell!.ReplayBytes))
            interest |= PollEvents.Readable | (_nobodyHasItOpen ? PollEvents.EdgeTriggered : PollEvents.None);
        if (Shell!.QueuedInputBytes > 0 && !_nobodyHasItOpen && _exit is null)
            interest |= PollEvents.Writable;
        _watch.Set(interest);
    }

    private void GiveBack()
    {
        if (Shell is not { } shell)
            return;
        _watch.Set(PollEvents.None);
        Shell = null;
        _home.Loop.Post(() => _home.TakeBack(shell));
    }
}
