namespace Porthole.Client;

/// <summary>Why a shell's connection is over for good.</summary>
public enum ShellEndReason
{
    /// <summary>The shell's process ended.</summary>
    Exited,

    /// <summary>This client detached; the shell runs on.</summary>
    Detached,

    /// <summary>This client asked for the shell's end.</summary>
    Closed,

    /// <summary>The platform took the shell away: its session was stopped or ran out of time.</summary>
    TakenAway,

    /// <summary>A newer connection attached to the shell; it runs on there.</summary>
    TakenOver,

    /// <summary>The server or its platform failed, or refuses this client.</summary>
    Failed,

    /// <summary>The connection dropped and did not come back in time; the shell may run on.</summary>
    Lost,
}

/// <summary>How a shell's connection ended.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">The same for a person.</param>
/// <param name="ExitCode">Of a shell that exited: 0 to 255, 128 + signal when a signal ended it.</param>
/// <param name="Signal">The number of the signal that ended the shell, if one did.</param>
public sealed record ShellEnd(ShellEndReason Reason, string Message, int? ExitCode = null, int? Signal = null);

/// <summary>Input was given to a shell that takes no more.</summary>
public sealed class ShellEndedException : Exception
{
    internal ShellEndedException(ShellEnd end)
        : base(end.Message) => End = end;

    /// <summary>How it ended.</summary>
    public ShellEnd End { get; }
}
