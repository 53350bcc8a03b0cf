using System.Diagnostics;
using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>
/// Ends all processes of a session: a signal that asks, and after a grace time SIGKILL for whatever is left,
/// also when the leader went early. A process that made itself a session of its own is left alone, as it is by sshd.
/// </summary>
internal sealed class SessionEnd
{
    /// <summary>Time between asking and SIGKILL. The service has one but does not say which (contract section 4).</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    // When the leader is asked once more: bash takes note of a SIGHUP that comes just before it waits for a key, and then waits for the key.
    // A terminal that really hangs up gives it an end of file as well. Long enough for an editor to save its files before.
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    // How often it is looked whether somebody is left, and then killed: a fork may have escaped the last round.
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(100);

    private readonly EventLoop _loop;
    private readonly Action _done;
    private readonly int _signal;
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private LoopTimer _timer;
    private bool _leaderIsGone;
    private bool _askedAgain;

    /// <summary>Asks now. Everything here happens on the home loop.</summary>
    /// <param name="loop">The home loop.</param>
    /// <param name="session">The session's number, which is its leader's process id.</param>
    /// <param name="signal">How to ask: SIGHUP for a shell, SIGTERM for a command.</param>
    /// <param name="leaderIsGone">Whether the leader was collected already and only others are left.</param>
    /// <param name="done">Called when nobody is left.</param>
    public SessionEnd(EventLoop loop, int session, int signal, bool leaderIsGone, Action done)
    {
        (_loop, Session, _signal, _leaderIsGone, _done) = (loop, session, signal, leaderIsGone, done);
        SessionProcesses.Signal(session, signal);

        // A stopped process acts on the signal only when it goes on; the kernel does the same when a terminal is hung up.
        SessionProcesses.Signal(session, Libc.SIGCONT);
        _timer = loop.Schedule(LookAgainAfter, LookAgain);
    }

    /// <summary>The session's number.</summary>
    public int Session { get; }

    /// <summary>The leader was collected: when nobody else is left, it is over at once.</summary>
    public void LeaderEnded()
    {
        _leaderIsGone = true;
        if (SessionProcesses.Signal(Session, 0) == 0)
            Finish();
    }

    private void LookAgain()
    {
        var isOver = _time.Elapsed >= Grace;
        if ((isOver || _leaderIsGone) && SessionProcesses.Signal(Session, isOver ? Libc.SIGKILL : 0) == 0 && _leaderIsGone)
        {
            Finish();
            return;
        }

        if (!_leaderIsGone && !_askedAgain && _time.Elapsed >= AskAgainAfter)
        {
            _askedAgain = true;
            _ = Libc.Kill(Session, _signal);
        }

        _timer = _loop.Schedule(LookAgainAfter, LookAgain);
    }

    private void Finish()
    {
        _timer.Cancel();
        _done();
    }
}
