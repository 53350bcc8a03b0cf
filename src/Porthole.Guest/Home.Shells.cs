using Porthole.Posix;
using Porthole.Protocol.Link;
using Porthole.Protocol.Shells;

namespace Porthole.Guest;

// Shells: made, handed from lane to lane, taken back, dropped.
internal sealed partial class Home
{
    // The server keeps far fewer (contract section 6); this bounds the guest's memory and its list, which must fit into one frame.
    private const int MaxShells = 256;

    private readonly Dictionary<string, ShellPlace> _shells = [];

    /// <summary>A stream wants a shell, made when it does not exist and a program is named.</summary>
    public void Attach(Lane lane, uint stream, AttachShell wanted)
    {
        var request = new AttachRequest(lane, stream, wanted);
        if (_shells.TryGetValue(wanted.ShellId, out var place))
        {
            place.Waiting.Enqueue(request);
            ServeWaiting(place);
            return;
        }

        try
        {
            Give(MakeShell(wanted), request, created: true);
        }
        catch (LinkFailureException error)
        {
            PostTo(lane, () => lane.Refuse(stream, error.Failure));
        }
    }

    /// <summary>A lane does not use a shell any more, although it goes on.</summary>
    public void TakeBack(Shell shell)
    {
        var place = _shells[shell.Id];
        (place.Lane, place.IsComingHome) = (null, false);
        ServeWaiting(place);
        if (place.Lane is not null)
            return;
        if (place.Exit is null)
            place.Detached = new DetachedShell(Loop, shell);
        else
            Drop(place);
    }

    /// <summary>A lane has sent all of an ended shell's output and its exit.</summary>
    public void Finished(Shell shell) => Drop(_shells[shell.Id]);

    /// <summary>Ends a shell.</summary>
    public void HangUp(Shell shell)
    {
        // It may have ended while the request was on its way; its process id may be somebody else's by now.
        if (_shells.GetValueOrDefault(shell.Id) is not { } place || place.Shell != shell)
            return;
        place.IsHungUp = true;
        EndSession(shell.ProcessId, Libc.SIGHUP);
    }

    /// <summary>A lane wants the list of shells.</summary>
    public void ListShells(Lane lane)
    {
        var list = _shells.Values.Select(place => new ShellSummary(
            place.Shell.Id, place.Shell.Incarnation, place.Shell.Ring.End, place.Lane is not null, (uint)place.Shell.ProcessId)).ToArray();
        PostTo(lane, () => lane.SendShellList(list));
    }

    private ShellPlace MakeShell(AttachShell wanted)
    {
        if (wanted.Program is null)
            throw new LinkFailureException(LinkFailureReason.NoSuchShell, $"there is no shell {wanted.ShellId}");
        if (!ShellId.IsValid(wanted.ShellId))
            throw new LinkFailureException(LinkFailureReason.CannotStart, "not a shell id");
        if (_shuttingDown)
            throw new LinkFailureException(LinkFailureReason.CannotStart, "the sandbox is shutting down");
        if (_shells.Count == MaxShells)
            throw new LinkFailureException(LinkFailureReason.OutOfResources, $"a sandbox has at most {MaxShells} shells");
        var shell = ProgramStart.StartShell(wanted);
        var place = new ShellPlace(shell);
        _shells.Add(shell.Id, place);
        AddChild(shell.ProcessId, exit => OnShellEnded(place, exit));
        return place;
    }

    private void OnShellEnded(ShellPlace place, ProcessExit exit)
    {
        place.Exit = exit;
        if (place.Lane is { } lane)
            PostTo(lane, () => lane.ProcessEnded(place.Shell.ProcessId, exit));
        else
            Drop(place);
    }

    private void ServeWaiting(ShellPlace place)
    {
        // Who asks for a shell that is being ended waits for its end, and gets a new one (contract section 4.3).
        if (place.IsHungUp)
            return;
        if (place.Lane is null && TryNextWaiting(place, out var request))
            Give(place, request, created: false);
        if (place.Lane is not { } lane || place.Waiting.Count == 0 || place.IsComingHome)
            return;
        place.IsComingHome = true;
        PostTo(lane, () => lane.Surrender(place.Shell));
    }

    private bool TryNextWaiting(ShellPlace place, out AttachRequest request)
    {
        // A lane that has ended since it asked would not give the shell back.
        while (place.Waiting.TryDequeue(out request!))
        {
            if (_lanes.Contains(request.Lane))
                return true;
        }

        return false;
    }

    private static void Give(ShellPlace place, AttachRequest request, bool created)
    {
        place.Detached?.Leave();
        (place.Detached, place.Lane, place.IsComingHome) = (null, request.Lane, false);
        var exit = place.Exit;
        request.Lane.Loop.Post(() => request.Lane.GiveShell(request.Stream, request.Wanted, place.Shell, created, exit));
    }

    /// <summary>Forgets a shell whose process has ended. Requests that still wait for it get a new one, or are refused.</summary>
    private void Drop(ShellPlace place)
    {
        place.Detached?.Leave();
        _shells.Remove(place.Shell.Id);
        place.Shell.Dispose();
        while (TryNextWaiting(place, out var request))
            Attach(request.Lane, request.Stream, request.Wanted);
        EndWhenAllAreGone();
    }
}
