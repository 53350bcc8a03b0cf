using System.Runtime.InteropServices;

namespace Porthole.Posix;

/// <summary>An open file descriptor, closed exactly once.</summary>
public sealed class Descriptor : SafeHandle
{
    /// <summary>Takes ownership of an open descriptor.</summary>
    public Descriptor(int fd) : base(-1, ownsHandle: true) => SetHandle(fd);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>The number, valid while this object is not disposed.</summary>
    public int Number => (int)handle;

    /// <summary>Makes reads and writes return <see cref="Errno.EAGAIN"/> instead of waiting.</summary>
    /// <exception cref="PosixException">The descriptor is closed.</exception>
    public void SetNonBlocking()
    {
        var flags = Libc.Fcntl(Number, Libc.F_GETFL, 0);
        if (flags < 0 || Libc.Fcntl(Number, Libc.F_SETFL, flags | Libc.O_NONBLOCK) < 0)
            throw PosixException.FromLast("fcntl O_NONBLOCK");
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Libc.Close((int)handle) == 0;
}
