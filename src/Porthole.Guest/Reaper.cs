using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>
/// The one place that waits for children, including the orphans that process 1 inherits. A thread sees that somebody has ended but leaves
/// it a zombie; the home loop collects it, so a process id that the home loop knows cannot belong to another process yet.
/// </summary>
#pragma warning disable CA1001 // It lives as long as the program.
internal sealed unsafe class Reaper(EventLoop home, Action<int, ProcessExit> ended)
{
    private readonly AutoResetEvent _mayHaveChildren = new(false);
    private readonly AutoResetEvent _collected = new(false);
#pragma warning restore CA1001

    /// <summary>Starts waiting.</summary>
    public void Start() => new Thread(Wait, maxStackSize: 128 * 1024) { IsBackground = true, Name = "reaper" }.Start();

    /// <summary>Says that a child was started: with no children there is nothing to wait for.</summary>
    public void ChildStarted() => _mayHaveChildren.Set();

    private void Wait()
    {
        var unused = stackalloc byte[Libc.SigInfoBytes];
        while (true)
        {
            if (Libc.WaitId(Libc.P_ALL, 0, unused, Libc.WEXITED | Libc.WNOWAIT) == 0)
            {
                home.Post(Collect);
                _collected.WaitOne();
            }
            else if (Errno.Last != Errno.EINTR)
            {
                // ECHILD.
                _mayHaveChildren.WaitOne();
            }
        }
    }

    private void Collect()
    {
        int processId, status;
        while ((processId = Libc.WaitPid(-1, &status, Libc.WNOHANG)) > 0)
            ended(processId, Decode(status));
        _collected.Set();
    }

    // The layout that wait(2) hides behind macros: the signal in the low seven bits, or else the code in the byte above.
    private static ProcessExit Decode(int status) =>
        (status & 0x7F) == 0 ? new ProcessExit((byte)(status >> 8), 0) : new ProcessExit(0, (byte)(status & 0x7F));
}
