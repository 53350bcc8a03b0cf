using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>A stream that runs a command: relays its output as it comes and ends with its exit.</summary>
internal sealed unsafe class CommandStream(Home home, Lane lane, uint number, uint credit) : LaneStream(lane, number, credit), IPollable
{
    // How long output of processes that the command left behind is still relayed after its own exit. Long enough for the rest of a
    // pipeline or a process substitution, short enough that "server &" does not hold up its caller as it would under ssh.
    private static readonly TimeSpan OrphanOutputTime = TimeSpan.FromSeconds(1);

    private Command? _command;
    private Watch _outputWatch;
    private Watch _errorWatch;
    private int? _outputLeft;
    private int? _errorLeft;
    private bool _outputEnded;
    private bool _errorEnded;
    private ProcessExit? _exit;
    private LoopTimer? _orphanTimer;

    /// <inheritdoc/>
    public override int ProcessId => _command?.ProcessId ?? 0;

    /// <summary>Begins to relay.</summary>
    public void Begin(Command command)
    {
        _command = command;
        _outputWatch = new Watch(Lane.Loop, command.Output.Number, this);
        _errorWatch = new Watch(Lane.Loop, command.ErrorOutput.Number, this);
        Continue();
    }

    /// <inheritdoc/>
    public void OnReady(int fd, PollEvents ready)
    {
        if (Lane.IsShared)
            Lane.Receive();
        if (_command is null)
            return;
        _ = fd == _command.Output.Number ? RelayOutput() : RelayErrorOutput();
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
            case LinkFrameType.Signal when _command is { } command:
                var signal = LinkSmallFrames.ReadSignal(payload);
                home.Loop.Post(() => home.Signal(command, signal));
                break;
            default:
                // From a newer peer: documented to be ignored.
                break;
        }
    }

    /// <inheritdoc/>
    // The pipes hold what is not sent yet, and the loop tells when there is some: nothing waits here.
    public override bool SendOne() => false;

    /// <inheritdoc/>
    public override void Continue()
    {
        if (_command is null)
            return;
        while (_outputLeft is not null && (RelayOutput() || RelayErrorOutput()))
        {
        }

        if (_exit is { } exit && _outputEnded && _errorEnded)
        {
            Finish(exit);
            return;
        }

        var interest = Lane.Sender.IsBlocked || Credit == 0 ? PollEvents.None : PollEvents.Readable;
        _outputWatch.Set(_outputEnded ? PollEvents.None : interest);
        _errorWatch.Set(_errorEnded ? PollEvents.None : interest);
    }

    /// <inheritdoc/>
    public override void OnLaneClosed()
    {
        if (_command is not { } command)
            return;
        LetGo();
        home.Loop.Post(() => home.Abandon(command));
    }

    /// <inheritdoc/>
    public override void OnExit(ProcessExit exit)
    {
        _exit = exit;
        _orphanTimer = Lane.Loop.Schedule(OrphanOutputTime, CutOffOrphans);
        Continue();
    }

    private static int BytesIn(Descriptor pipe)
    {
        int count;
        return Libc.Ioctl(pipe.Number, Libc.FIONREAD, &count) == 0 ? count : 0;
    }

    /// <summary>From here on only what the pipes hold now counts, the command's own last bytes among it, whoever has them open.</summary>
    private void CutOffOrphans()
    {
        (_outputLeft, _errorLeft) = (BytesIn(_command!.Output), BytesIn(_command.ErrorOutput));
        Continue();
        Lane.UpdateWatch();
    }

    private bool RelayOutput() => Relay(_command!.Output, LinkFrameType.Output, ref _outputEnded, ref _outputLeft);

    private bool RelayErrorOutput() => Relay(_command!.ErrorOutput, LinkFrameType.ErrorOutput, ref _errorEnded, ref _errorLeft);

    /// <summary>Moves at most one frame from a pipe to the lane.</summary>
    /// <param name="pipe">The pipe.</param>
    /// <param name="type">What its bytes are sent as.</param>
    /// <param name="ended">Set at the pipe's end.</param>
    /// <param name="left">Bytes after which the pipe counts as ended; null without such a bound.</param>
    /// <returns>Whether there may be more to move now.</returns>
    private bool Relay(Descriptor pipe, LinkFrameType type, ref bool ended, ref int? left)
    {
        ended |= left == 0;
        if (ended || Lane.Sender.IsBlocked || Credit == 0)
            return false;
        var scratch = Lane.Scratch;
        var count = Libc.Read(pipe.Number, scratch, (nuint)Math.Min(Math.Min(Credit, Lane.ScratchBytes), left ?? int.MaxValue));
        if (count > 0)
        {
            left -= (int)count;
            var part = new Libc.IoVec { Base = scratch, Length = (nuint)count };
            Lane.Sender.SendData(type, Number, &part, 1);
            Spend((int)count);
            return true;
        }

        if (count < 0 && Errno.Last == Errno.EINTR)
            return true;
        ended = count == 0 || Errno.Last != Errno.EAGAIN;
        return false;
    }

    private void Finish(ProcessExit exit)
    {
        var command = _command!;
        LetGo();
        Lane.Remove(this);
        Lane.Sender.Send(exit.Write(Lane.Writer, Number));
        home.Loop.Post(() => home.Finished(command));
    }

    private void LetGo()
    {
        _orphanTimer?.Cancel();
        _outputWatch.Set(PollEvents.None);
        _errorWatch.Set(PollEvents.None);
        _command = null;
    }
}
