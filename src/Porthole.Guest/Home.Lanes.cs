using Porthole.Posix;

namespace Porthole.Guest;

// Lanes: accepted, run, ended.
internal sealed partial class Home : IPollable
{
    // Each is a descriptor, a thread and some memory; a server uses one and one more for each attached shell.
    private const int MaxLanes = 512;

    // Without descriptors or memory nothing can be accepted; looking again at once would only spin.
    private static readonly TimeSpan AcceptAgainAfter = TimeSpan.FromMilliseconds(200);

    private readonly HashSet<Lane> _lanes = [];
    private Descriptor? _listener;
    private bool _endsWithItsLane;

    /// <summary>Accepts lanes on a listening socket.</summary>
    public void Listen(Descriptor listener)
    {
        _listener = listener;
        listener.SetNonBlocking();
        Loop.Add(listener.Number, PollEvents.Readable, this);
    }

    /// <summary>Serves one lane that is connected already, and ends with it.</summary>
    public void ServeOnly(Descriptor lane)
    {
        _endsWithItsLane = true;
        OpenLane(new SocketChannel(lane));
    }

    /// <inheritdoc/>
    public unsafe void OnReady(int fd, PollEvents ready)
    {
        var accepted = new Descriptor(Libc.Accept4(fd, null, null, Libc.SOCK_CLOEXEC));
        if (!accepted.IsInvalid && _lanes.Count < MaxLanes)
        {
            OpenLane(new SocketChannel(accepted));
        }
        else if (!accepted.IsInvalid)
        {
            accepted.Dispose();
            GuestLog.Write($"a lane was refused: there are {MaxLanes} already");
        }
        else if (Errno.Last is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM)
        {
            Loop.Modify(fd, PollEvents.None);
            Loop.Schedule(AcceptAgainAfter, () => Loop.Modify(fd, PollEvents.Readable));
        }
    }

    /// <summary>A lane has closed and given everything back.</summary>
    public void LaneEnded(Lane lane)
    {
        _lanes.Remove(lane);
        if (lane.Loop != Loop)
        {
            lane.Loop.Post(lane.Loop.Stop);
            lane.Loop.Join();
            lane.Loop.Dispose();
        }

        if (_endsWithItsLane)
            ShutDown();
    }

    /// <summary>Serves one more lane.</summary>
    public void OpenLane(LaneChannel channel)
    {
        var lane = new Lane(this, StartLoop(), channel);
        _lanes.Add(lane);
        lane.Loop.Post(lane.Open);
    }

    /// <summary>Starts a thread for a lane. When the sandbox is out of them, say by a fork bomb, the lane runs on the home loop instead.</summary>
    private EventLoop StartLoop()
    {
        EventLoop? loop = null;
        try
        {
            loop = new EventLoop("lane");
            loop.Start();
            return loop;
        }
        catch (Exception error) when (error is PosixException or OutOfMemoryException or ThreadStartException)
        {
            loop?.Dispose();
            GuestLog.Write($"a lane shares the home loop: {error.Message}");
            return Loop;
        }
    }

    private void PostTo(Lane lane, Action work)
    {
        if (_lanes.Contains(lane))
            lane.Loop.Post(work);
    }
}
