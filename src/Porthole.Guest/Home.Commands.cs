using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

// Commands: started, signalled, abandoned.
internal sealed partial class Home
{
    private readonly Dictionary<int, Command> _commands = [];

    /// <summary>A stream wants a command run.</summary>
    public void Start(Lane lane, uint stream, StartCommand request)
    {
        if (!_lanes.Contains(lane))
            return;
        try
        {
            if (_shuttingDown)
                throw new LinkFailureException(LinkFailureReason.CannotStart, "the sandbox is shutting down");
            var command = ProgramStart.StartCommand(request);
            _commands.Add(command.ProcessId, command);
            AddChild(command.ProcessId, exit => PostTo(lane, () => lane.ProcessEnded(command.ProcessId, exit)));
            lane.Loop.Post(() => lane.GiveCommand(stream, command));
        }
        catch (LinkFailureException error)
        {
            PostTo(lane, () => lane.Refuse(stream, error.Failure));
        }
    }

    /// <summary>Sends a signal to a command's process group. SIGTERM is followed by SIGKILL for those who stay.</summary>
    public void Signal(Command command, byte signal)
    {
        // It may have ended while the request was on its way; its process id may be somebody else's by now.
        if (_commands.GetValueOrDefault(command.ProcessId) != command)
            return;
        if (signal == Libc.SIGTERM)
            EndSession(command.ProcessId, signal);
        else
            _ = Libc.Kill(-command.ProcessId, signal); // EINVAL, ESRCH: no such signal, or nobody left.
    }

    /// <summary>A command's stream is gone with its lane: nobody wants its output any more.</summary>
    public void Abandon(Command command)
    {
        // What it left behind on purpose outlives the command's own exit.
        if (_children.ContainsKey(command.ProcessId))
            EndSession(command.ProcessId, Libc.SIGTERM);
        Finished(command);
    }

    /// <summary>A lane has sent all of a command's output and its exit.</summary>
    public void Finished(Command command)
    {
        _commands.Remove(command.ProcessId);
        command.Dispose();
        EndWhenAllAreGone();
    }
}
