using System.Runtime.InteropServices;
using Porthole.Posix;
using Porthole.Protocol.Shells;

namespace Porthole.Cli.Terminal;

/// <summary>
/// The terminal that this program runs in, in raw mode from <see cref="TryEnter"/> until disposed. The old mode comes back on every way out
/// that leaves this program a moment: a return, an exception nobody caught, an exit from anywhere, a stop by job control.
/// </summary>
internal sealed unsafe class LocalTerminal : IDisposable
{
    private readonly int _fd;
    private readonly byte[] _saved;
    private readonly Lock _gate = new();
    private readonly PosixSignalRegistration _continued;
    private bool _left;

    private LocalTerminal(int fd, byte[] saved)
    {
        _fd = fd;
        _saved = saved;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        AppDomain.CurrentDomain.UnhandledException += OnExit;

        // After a stop and fg, the shell in between has set the mode that it likes. Cancelled, or the runtime would set the mode that it found
        // when the first handler was made, which is now: it does that at the exit too, so this must come before raw mode.
        _continued = PosixSignalRegistration.Create(PosixSignal.SIGCONT, context =>
        {
            context.Cancel = true;

            // A terminal that has hung up sends this too, and takes no mode any more.
            TryMakeRaw();
        });
    }

    /// <summary>Puts a terminal into raw mode: every key goes to the shell, none is echoed here.</summary>
    /// <param name="fd">A descriptor.</param>
    /// <returns>Null when it is no terminal.</returns>
    /// <exception cref="PosixException">The terminal does not take the mode.</exception>
    public static LocalTerminal? TryEnter(int fd)
    {
        var saved = new byte[Libc.TermiosBytes];
        fixed (byte* termios = saved)
        {
            if (Libc.TcGetAttr(fd, termios) < 0) return null;
        }

        var terminal = new LocalTerminal(fd, saved);
        if (terminal.TryMakeRaw()) return terminal;
        var error = PosixException.FromLast("put the terminal into raw mode");
        terminal.Dispose();
        throw error;
    }

    /// <summary>The size of the terminal at one of the standard descriptors; null when none is a terminal or it does not know.</summary>
    public static TerminalSize? Size()
    {
        for (var fd = StandardStream.Error; fd >= StandardStream.Input; fd--)
        {
            Libc.WinSize size;
            if (Libc.Ioctl(fd, Libc.TIOCGWINSZ, &size) < 0 || size.Columns == 0 || size.Rows == 0) continue;
            return new TerminalSize(Math.Min((int)size.Columns, TerminalSize.Max), Math.Min((int)size.Rows, TerminalSize.Max));
        }

        return null;
    }

    /// <summary>Brings the old mode back; harmless when it is.</summary>
    public void Dispose()
    {
        Leave();
        _continued.Dispose();
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        AppDomain.CurrentDomain.UnhandledException -= OnExit;
    }

    private bool TryMakeRaw()
    {
        lock (_gate)
        {
            if (_left) return true;
            var raw = (byte[])_saved.Clone();
            fixed (byte* termios = raw)
            {
                Libc.CfMakeRaw(termios);
                return Libc.TcSetAttr(_fd, Libc.TCSADRAIN, termios) == 0;
            }
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (_left) return;
            _left = true;

            // What was typed ahead stays for whoever reads next. A terminal that has hung up takes no mode, and needs none.
            fixed (byte* termios = _saved)
                _ = Libc.TcSetAttr(_fd, Libc.TCSADRAIN, termios);
        }
    }

    private void OnExit(object? sender, EventArgs e) => Leave();
}
