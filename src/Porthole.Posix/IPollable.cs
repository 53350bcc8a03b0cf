namespace Porthole.Posix;

/// <summary>Something that an <see cref="EventLoop"/> tells about its descriptor.</summary>
public interface IPollable
{
    /// <summary>Called on the loop's thread. Must not block; an exception from here ends the process, so handle your own.</summary>
    /// <param name="fd">The descriptor that is ready.</param>
    /// <param name="ready">What it is ready for.</param>
    void OnReady(int fd, PollEvents ready);
}
