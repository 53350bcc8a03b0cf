namespace Porthole.Posix;

/// <summary>What a descriptor is ready for, with the values of epoll(7).</summary>
[Flags]
public enum PollEvents : uint
{
    /// <summary>Nothing but errors and hang-ups, which are always reported.</summary>
    None = 0,

    /// <summary>EPOLLIN: data or end of stream can be read.</summary>
    Readable = 0x001,

    /// <summary>EPOLLOUT: at least one byte can be written.</summary>
    Writable = 0x004,

    /// <summary>EPOLLERR.</summary>
    Error = 0x008,

    /// <summary>EPOLLHUP: both directions are closed, or the last slave of a terminal is.</summary>
    HangUp = 0x010,

    /// <summary>EPOLLRDHUP: the peer has closed its writing half.</summary>
    PeerClosed = 0x2000,

    /// <summary>EPOLLET: tell about changes only, not about a state that lasts.</summary>
    EdgeTriggered = 0x8000_0000,
}
