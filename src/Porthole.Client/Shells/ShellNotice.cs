namespace Porthole.Client;

/// <summary>Something that happened to a shell's connection, between the bytes of output.</summary>
public abstract record ShellNotice
{
    private ShellNotice()
    {
    }

    /// <summary>The platform, not the shell, has something to say.</summary>
    /// <param name="Text">For a person.</param>
    public sealed record Diagnostic(string Text) : ShellNotice;

    /// <summary>The connection dropped; the next reads bring it back. Input is queued meanwhile.</summary>
    /// <param name="Reason">For a person.</param>
    /// <param name="CloseCode">The server's close code; null when the connection broke without one.</param>
    public sealed record Disconnected(string Reason, int? CloseCode) : ShellNotice;

    /// <summary>An attempt to come back failed; the next read waits and tries again.</summary>
    /// <param name="Attempt">1 for the first since the drop.</param>
    /// <param name="Reason">For a person.</param>
    /// <param name="RetryIn">The wait before the next attempt.</param>
    public sealed record RetryFailed(int Attempt, string Reason, TimeSpan RetryIn) : ShellNotice;

    /// <summary>The connection is back.</summary>
    /// <param name="SameShell">False when the old shell had ended meanwhile and a new one answers under its id.</param>
    /// <param name="BytesDropped">Bytes of output that were overwritten while nobody was attached.</param>
    /// <param name="InputResent">Bytes of input that had been sent, did not arrive, and are sent again.</param>
    /// <param name="InputLost">Bytes of input that will not reach the shell.</param>
    public sealed record Reconnected(bool SameShell, long BytesDropped, long InputResent, long InputLost) : ShellNotice;

    /// <summary>Nothing more will come. Every further read says the same.</summary>
    /// <param name="End">Why.</param>
    public sealed record Ended(ShellEnd End) : ShellNotice;
}
