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

    /// <summary>Opens a file, close-on-exec.</summary>
    /// <param name="path">The file.</param>
    /// <param name="flags">O_… of open(2).</param>
    /// <param name="mode">The mode of a file that is made by this, before the umask.</param>
    /// <exception cref="PosixException">It cannot be opened so.</exception>
    public static unsafe Descriptor Open(string path, int flags, uint mode = 0)
    {
        var text = CStrings.Copy(path);
        var descriptor = new Descriptor(Libc.Open(text, flags | Libc.O_CLOEXEC, mode));
        var failure = descriptor.IsInvalid ? PosixException.FromLast($"open {path}") : null;
        NativeMemory.Free(text);
        return failure is null ? descriptor : throw failure;
    }

    /// <summary>A directory as a place to name files from, also when its path is too long for what names them.</summary>
    /// <exception cref="PosixException">It does not exist or may not be searched.</exception>
    public static Descriptor OpenDirectory(string path) => Open(path, Libc.O_PATH | Libc.O_DIRECTORY);

    /// <summary>Two ends of a new pipe, close-on-exec and blocking.</summary>
    /// <exception cref="PosixException">The process is out of descriptors.</exception>
    public static unsafe (Descriptor Read, Descriptor Write) Pipe()
    {
        var ends = stackalloc int[2];
        return Libc.Pipe2(ends, Libc.O_CLOEXEC) == 0 ? (new Descriptor(ends[0]), new Descriptor(ends[1])) : throw PosixException.FromLast("pipe");
    }

    /// <summary>Waits until all that was written to this file's file system is on its disk (syncfs(2)).</summary>
    /// <exception cref="PosixException">It is not, or this is only a place to name files from.</exception>
    public void SyncFileSystem()
    {
        if (Libc.SyncFs(Number) < 0)
            throw PosixException.FromLast("syncfs");
    }

    /// <summary>Waits until a file's bytes, or a directory's names, are on the disk (fsync(2)).</summary>
    /// <param name="path">The file or directory.</param>
    /// <exception cref="PosixException">They are not.</exception>
    public static void Sync(string path)
    {
        using var opened = Open(path, Libc.O_RDONLY);
        if (Libc.FSync(opened.Number) < 0)
            throw PosixException.FromLast($"write {path} to the disk");
    }

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
