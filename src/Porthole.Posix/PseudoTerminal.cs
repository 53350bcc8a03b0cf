using System.Text;

namespace Porthole.Posix;

/// <summary>The master side of a new pseudo-terminal (pty(7)), non-blocking, and the name of its slave.</summary>
public sealed unsafe class PseudoTerminal : IDisposable
{
    private PseudoTerminal(Descriptor master, string slave) => (Master, SlavePath) = (master, slave);

    /// <summary>The master: what is written here is typed, what is read here was printed.</summary>
    public Descriptor Master { get; }

    /// <summary>The slave device, as /dev/pts/N.</summary>
    public string SlavePath { get; }

    /// <summary>Opens a terminal of the given size. The slave itself is never opened here: a session leader would acquire it.</summary>
    /// <exception cref="PosixException">No terminal is left, or /dev/ptmx is missing.</exception>
    public static PseudoTerminal Open(ushort columns, ushort rows)
    {
        var master = new Descriptor(Libc.PosixOpenPt(Libc.O_RDWR | Libc.O_NOCTTY | Libc.O_CLOEXEC | Libc.O_NONBLOCK));
        if (master.IsInvalid)
            throw PosixException.FromLast("open a terminal (/dev/ptmx)");
        try
        {
            if (Libc.GrantPt(master.Number) < 0 || Libc.UnlockPt(master.Number) < 0)
                throw PosixException.FromLast("unlock a terminal");
            const int nameBytes = 64;
            var name = stackalloc byte[nameBytes];
            var error = Libc.PtsNameR(master.Number, name, nameBytes);
            if (error != 0)
                throw new PosixException("ptsname_r", error);
            var terminal = new PseudoTerminal(master, Encoding.ASCII.GetString(name, new ReadOnlySpan<byte>(name, nameBytes).IndexOf((byte)0)));
            terminal.Resize(columns, rows);
            return terminal;
        }
        catch
        {
            master.Dispose();
            throw;
        }
    }

    /// <summary>Sets the size in character cells; the kernel sends SIGWINCH to the foreground group when it differs (tty_ioctl(4)).</summary>
    /// <exception cref="PosixException">The terminal is closed.</exception>
    public void Resize(ushort columns, ushort rows)
    {
        var size = new Libc.WinSize { Columns = columns, Rows = rows };
        if (Libc.Ioctl(Master.Number, Libc.TIOCSWINSZ, &size) < 0)
            throw PosixException.FromLast("set the terminal size");
    }

    /// <inheritdoc/>
    public void Dispose() => Master.Dispose();
}
