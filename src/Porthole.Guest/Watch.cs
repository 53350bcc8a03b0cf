using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>
/// What a loop tells one handler about one descriptor. A descriptor that nothing is wanted of is taken out of the loop altogether:
/// epoll(7) reports a hang-up even to those who asked for nothing, and a paused terminal would spin.
/// </summary>
internal struct Watch(EventLoop loop, int fd, IPollable handler)
{
    private PollEvents _interest;

    /// <summary>Says what the handler wants to hear of from now on.</summary>
    public void Set(PollEvents interest)
    {
        if (interest == _interest)
            return;
        if (interest == PollEvents.None)
            loop.Remove(fd);
        else if (_interest == PollEvents.None)
            loop.Add(fd, interest, handler);
        else
            loop.Modify(fd, interest);
        _interest = interest;
    }
}
