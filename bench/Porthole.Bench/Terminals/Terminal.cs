namespace Porthole.Bench.Terminals;

/// <summary>
/// A duplex byte stream to one shell, however the peer carries it. Reads block; one thread reads, any thread writes.
/// </summary>
internal abstract class Terminal : IDisposable
{
    /// <summary>The descriptor to poll for input.</summary>
    public abstract int ReadDescriptor { get; }

    /// <summary>
    /// What arrived next, in the reader's own buffer and good until the next call. May be empty: a control frame came.
    /// Throws <see cref="TerminalEndedException"/> at the end of the stream.
    /// </summary>
    public abstract ReadOnlySpan<byte> Read();

    public abstract void Write(ReadOnlySpan<byte> input);

    /// <summary>Asks the peer to end the shell. A blocked or later read comes to the end of the stream.</summary>
    public abstract void End();

    /// <summary>Cuts the stream from any thread, whatever state the peer is in.</summary>
    public abstract void Abort();

    public abstract void Dispose();

    /// <summary>Reads what is left after <see cref="End"/>, so that closing does not reset the peer's last words.</summary>
    protected void DrainToEnd(TimeSpan limit)
    {
        var deadline = Clock.Now + (long)(limit.TotalMilliseconds * Clock.Millisecond);
        Span<Native.PollDescriptor> wait = [new() { Descriptor = ReadDescriptor, Events = Native.POLLIN }];
        try
        {
            while (Clock.Now < deadline && Native.WaitReadable(wait, deadline - Clock.Now))
                Read();
        }
        catch (TerminalEndedException)
        {
            // The end is what was waited for.
        }
    }
}
