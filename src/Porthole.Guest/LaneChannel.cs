using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>What carries the bytes of one lane. Belongs to the lane, which disposes of it when it closes.</summary>
internal abstract unsafe class LaneChannel : IDisposable
{
    /// <summary>What to wait on.</summary>
    public abstract int Number { get; }

    /// <summary>How to wait: nothing, or <see cref="PollEvents.EdgeTriggered"/> where a state that lasts must not be told again and again.</summary>
    public virtual PollEvents Mode => PollEvents.None;

    /// <summary>Takes what has arrived.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="count">Room in it.</param>
    /// <param name="mayHaveMore">Whether it is worth asking again at once.</param>
    /// <returns>Bytes taken, 0 for nothing now, -1 when nothing will come any more.</returns>
    public abstract nint Read(byte* buffer, nuint count, out bool mayHaveMore);

    /// <summary>Gives bytes away; fewer than there are only when no more are taken now.</summary>
    /// <returns>Bytes that were taken, -1 when none will be any more.</returns>
    public abstract nint Write(Libc.IoVec* vectors, int count);

    /// <inheritdoc/>
    public abstract void Dispose();
}
