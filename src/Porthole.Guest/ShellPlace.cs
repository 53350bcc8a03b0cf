using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>Where the home loop knows a shell to be, and who waits for it.</summary>
internal sealed class ShellPlace(Shell shell)
{
    public Shell Shell { get; } = shell;

    /// <summary>The lane it was given to and has not come back from; null while it is at home.</summary>
    public Lane? Lane { get; set; }

    /// <summary>What reads it while it is at home.</summary>
    public DetachedShell? Detached { get; set; }

    /// <summary>How its process ended, once it has.</summary>
    public ProcessExit? Exit { get; set; }

    /// <summary>Whether it was told to end: nobody attaches to it any more.</summary>
    public bool IsHungUp { get; set; }

    /// <summary>Requests to attach, oldest first; more than one only while the shell is on its way from lane to lane.</summary>
    public Queue<AttachRequest> Waiting { get; } = new();

    /// <summary>Whether its lane was asked to give it back.</summary>
    public bool IsComingHome { get; set; }
}

/// <summary>A stream that asked for a shell.</summary>
internal sealed record AttachRequest(Lane Lane, uint Stream, AttachShell Wanted);
