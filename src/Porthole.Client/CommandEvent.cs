namespace Porthole.Client;

/// <summary>Something that a running command did.</summary>
public abstract record CommandEvent
{
    private CommandEvent()
    {
    }

    /// <summary>It wrote to its standard output.</summary>
    /// <param name="Text">Bytes that are no UTF-8 arrive as U+FFFD: the API carries text.</param>
    public sealed record Stdout(string Text) : CommandEvent;

    /// <summary>It wrote to its standard error.</summary>
    /// <param name="Text">As of <see cref="Stdout"/>.</param>
    public sealed record Stderr(string Text) : CommandEvent;

    /// <summary>It ended; always the last event.</summary>
    /// <param name="ExitCode">0 to 255, 128 + signal for one that a signal ended; -1 when the platform ended it.</param>
    /// <param name="TimedOut">Whether it was ended because its time was up.</param>
    public sealed record Exited(int ExitCode, bool TimedOut) : CommandEvent;
}
