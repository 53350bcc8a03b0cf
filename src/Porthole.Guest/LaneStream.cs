using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>One numbered stream of a lane, from the request that opened it to the frame that closes it.</summary>
internal abstract class LaneStream(Lane lane, uint number, uint credit)
{
    /// <summary>The lane it lives on.</summary>
    public Lane Lane { get; } = lane;

    /// <summary>Its number on the lane.</summary>
    public uint Number { get; } = number;

    /// <summary>Output bytes that the server will take.</summary>
    protected long Credit { get; private set; } = credit;

    /// <summary>The process whose end it waits for; 0 when there is none.</summary>
    public virtual int ProcessId => 0;

    /// <summary>Handles a frame for this stream.</summary>
    /// <exception cref="LinkProtocolException">The frame is malformed, or not allowed now.</exception>
    public abstract void OnFrame(LinkFrameType type, ReadOnlySpan<byte> payload);

    /// <summary>Sends at most one frame of output, if there is some, credit for it and room on the lane.</summary>
    /// <returns>Whether one was sent: then there may be more.</returns>
    public abstract bool SendOne();

    /// <summary>Does what became possible after frames were sent: sends on, reads on, or finishes.</summary>
    public abstract void Continue();

    /// <summary>The lane is gone: lets go of everything.</summary>
    public abstract void OnLaneClosed();

    /// <summary>The process has ended.</summary>
    public virtual void OnExit(ProcessExit exit)
    {
    }

    /// <summary>Adds what a Credit frame grants. More than any program prints is the same as all of it.</summary>
    protected void Grant(uint bytes) => Credit = Math.Min(Credit + bytes, long.MaxValue / 2);

    /// <summary>Takes what a data frame carried off the credit.</summary>
    protected void Spend(int bytes) => Credit -= bytes;
}
