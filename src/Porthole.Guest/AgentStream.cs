using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>A stream that follows the agent's log and ends with the agent. The home loop has the log; one part of it at a time is asked for.</summary>
internal sealed unsafe class AgentStream(Home home, Lane lane, uint number, uint credit) : LaneStream(lane, number, credit)
{
    // Small enough that several readers and the agent take turns.
    private const int MaxPartBytes = 32 * 1024;

    // Without credit from the start it is the end alone that is waited for.
    private readonly bool _wantsLog = credit > 0;

    private bool _attached;
    private bool _asked;
    private bool _left;
    private long _sent;

    /// <summary>Begins to relay.</summary>
    public void Begin(AgentAttached attached)
    {
        if (_left)
        {
            Leave();
            return;
        }

        _attached = true;
        _sent = attached.StartOffset;
        Lane.Sender.Send(attached.Write(Lane.Writer, Number));
        Continue();
    }

    /// <summary>Relays a part that was asked for.</summary>
    public void Take(LogPart part)
    {
        _asked = false;
        if (part.At.Dropped > 0)
            Lane.Sender.Send(part.At.Write(Lane.Writer, Number));
        _sent = part.At.StartOffset + part.Bytes.Length;
        fixed (byte* bytes = part.Bytes)
        {
            var vector = new Libc.IoVec { Base = bytes, Length = (nuint)part.Bytes.Length };
            if (part.Bytes.Length > 0)
                Lane.Sender.SendData(LinkFrameType.Output, Number, &vector, 1);
        }

        Spend(part.Bytes.Length);
        if (part.Exit is not { } exit)
        {
            Continue();
            return;
        }

        Lane.Remove(this);
        Lane.Sender.Send(exit.Write(Lane.Writer, Number));
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
            case LinkFrameType.Detach when !_attached:
                _left = true;
                break;
            case LinkFrameType.Detach:
                Leave();
                break;
            default:
                // From a newer peer: documented to be ignored.
                break;
        }
    }

    /// <inheritdoc/>
    // The home loop holds what is not sent yet.
    public override bool SendOne() => false;

    /// <inheritdoc/>
    public override void Continue()
    {
        if (!_attached || _asked || Lane.Sender.IsBlocked || (_wantsLog && Credit == 0))
            return;
        _asked = true;
        var (from, count) = _wantsLog ? (_sent, (int)Math.Min(Credit, MaxPartBytes)) : (long.MaxValue, 0);
        home.Loop.Post(() => home.ReadLog(this, from, count));
    }

    /// <inheritdoc/>
    public override void OnLaneClosed()
    {
        _attached = false;
        home.Loop.Post(() => home.StopReadingLog(this));
    }

    private void Leave()
    {
        Lane.Remove(this);
        home.Loop.Post(() => home.StopReadingLog(this));
        Lane.Sender.Send(new StreamClosed(StreamCloseReason.Detached, _sent).Write(Lane.Writer, Number));
    }
}
