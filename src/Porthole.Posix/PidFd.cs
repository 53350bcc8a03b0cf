namespace Porthole.Posix;

/// <summary>
/// A process that is held by a descriptor (pidfd_open(2)): whoever is signalled through it is that process
/// and never a later one with the same number. Readable once the process has ended.
/// </summary>
public sealed class PidFd : IDisposable
{
    private PidFd(int pid, Descriptor descriptor) => (Pid, Descriptor) = (pid, descriptor);

    /// <summary>The process id.</summary>
    public int Pid { get; }

    /// <summary>What an <see cref="EventLoop"/> watches.</summary>
    public Descriptor Descriptor { get; }

    /// <summary>Takes hold of a process, not necessarily a child; null when there is none of that id.</summary>
    /// <exception cref="PosixException">The kernel is older than 5.3, or the process is out of descriptors.</exception>
    public static PidFd? TryOpen(int pid)
    {
        var descriptor = new Descriptor((int)Libc.Syscall(Libc.SYS_pidfd_open, pid, 0, 0, 0));
        if (!descriptor.IsInvalid)
            return new PidFd(pid, descriptor);

        // EINVAL: the number belongs to a thread that leads no process.
        return Errno.Last is Errno.ESRCH or Errno.EINVAL ? null : throw PosixException.FromLast($"pidfd_open {pid}");
    }

    /// <summary>Sends a signal.</summary>
    /// <returns>False when the process has ended already.</returns>
    /// <exception cref="PosixException">It belongs to somebody else.</exception>
    public bool Signal(int signal)
    {
        if (Libc.Syscall(Libc.SYS_pidfd_send_signal, Descriptor.Number, signal, 0, 0) == 0)
            return true;
        return Errno.Last == Errno.ESRCH ? false : throw PosixException.FromLast($"send signal {signal} to process {Pid}");
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
