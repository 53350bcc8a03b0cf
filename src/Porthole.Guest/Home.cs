using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>
/// What all lanes share, on one loop: the shells by name, the processes, the agent, and those shells that nobody is attached to.
/// Lanes talk to it by posting to <see cref="Loop"/>, and it answers by posting to theirs; no lock anywhere.
/// </summary>
internal sealed partial class Home
{
    // Where the shutdown frames of a server that does not read stop being waited for.
    private static readonly TimeSpan ShutDownFlushTime = TimeSpan.FromSeconds(1);

    private readonly Dictionary<int, Action<ProcessExit>> _children = [];
    private readonly Dictionary<int, SessionEnd> _endings = [];
    private readonly Reaper _reaper;
    private bool _shuttingDown;

    public Home() => _reaper = new Reaper(Loop, OnChildEnded);

    /// <summary>The loop; the program's first thread runs it.</summary>
    public EventLoop Loop { get; } = new("home");

    /// <summary>Turns the machine off at once; null where the guest is not a machine's. Any thread.</summary>
    public Action? Halt { get; init; }

    /// <summary>Hears that the machine was suspended and runs again; null where the guest is not a machine's.</summary>
    public Action<MachineAwakening>? Awoken { get; init; }

    /// <summary>Serves until it is told to shut down.</summary>
    public void Run()
    {
        _reaper.Start();
        Loop.RunOnCallingThread();
    }

    /// <summary>Hangs up every shell and command; when they are gone, ends the guest.</summary>
    public void ShutDown()
    {
        if (_shuttingDown)
            return;
        _shuttingDown = true;
        foreach (var place in _shells.Values)
            HangUp(place.Shell);
        foreach (var command in _commands.Values.Where(command => _children.ContainsKey(command.ProcessId)))
            EndSession(command.ProcessId, Libc.SIGTERM);
        if (_agent is { IsRunning: true } agent)
            EndSession(agent.ProcessId, Libc.SIGTERM);
        EndWhenAllAreGone();
    }

    /// <summary>Ends a session's processes; one that is being ended already is left to that.</summary>
    private void EndSession(int session, int signal)
    {
        if (_endings.ContainsKey(session))
            return;
        _endings[session] = new SessionEnd(Loop, session, signal, leaderIsGone: !_children.ContainsKey(session), () =>
        {
            _endings.Remove(session);
            ServeWaitingForAgent();
            EndWhenAllAreGone();
        });
    }

    private void AddChild(int processId, Action<ProcessExit> ended)
    {
        _children.Add(processId, ended);
        _reaper.ChildStarted();
    }

    private void OnChildEnded(int processId, ProcessExit exit)
    {
        // Not a child of ours: an orphan that process 1 inherited.
        if (!_children.Remove(processId, out var ended))
            return;
        ended(exit);
        _endings.GetValueOrDefault(processId)?.LeaderEnded();
    }

    private void EndWhenAllAreGone()
    {
        if (!_shuttingDown || _children.Count > 0 || _endings.Count > 0)
            return;
        if (_shells.Count == 0 && _commands.Count == 0)
            Loop.Stop();
        else
            Loop.Schedule(ShutDownFlushTime, Loop.Stop);
    }
}
