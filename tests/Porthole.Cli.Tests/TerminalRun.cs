using System.Runtime.InteropServices;
using System.Text;
using Porthole.Client.Tests;
using Porthole.Posix;

namespace Porthole.Cli.Tests;

/// <summary>The program in a real terminal: what it prints is collected, keys can be pressed, and the terminal's mode can be seen.</summary>
internal sealed class TerminalRun : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    // ICANON and ECHO in c_lflag, the fourth 32-bit word of Linux' struct termios.
    private const uint Cooked = 2 | 8;

    private readonly PseudoTerminal _terminal;
    private readonly Lock _gate = new();
    private readonly List<byte> _printed = [];
    private readonly Thread _reader;
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int? _status;
    private volatile bool _hungUp;

    private TerminalRun(PseudoTerminal terminal, int pid)
    {
        _terminal = terminal;
        Pid = pid;
        _reader = new Thread(Read) { IsBackground = true };
        _reader.Start();
    }

    public int Pid { get; }

    /// <summary>Starts a command line in a terminal of 80 columns and 24 rows.</summary>
    public static TerminalRun Start(ScriptedServer server, params string[] arguments) => StartProgram(PortholeProcess.Path, server, ["porthole", .. arguments]);

    /// <summary>Starts bash with a script, to see what the program leaves behind.</summary>
    public static TerminalRun StartBash(ScriptedServer server, string script) => StartProgram("/bin/bash", server, ["bash", "-c", script]);

    public string Printed
    {
        get
        {
            lock (_gate) return Encoding.UTF8.GetString([.. _printed]);
        }
    }

    /// <summary>Presses keys, or pastes as much as one likes: waits while the terminal is full.</summary>
    public unsafe void Press(string keys)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(keys);
        while (!bytes.IsEmpty)
        {
            nint count;
            fixed (byte* start = bytes)
                count = Libc.Write(_terminal.Master.Number, start, (nuint)bytes.Length);
            if (count > 0)
            {
                bytes = bytes[(int)count..];
                continue;
            }

            Assert.Equal(Errno.EAGAIN, Errno.Last);
            var poll = new Libc.PollFd { Fd = _terminal.Master.Number, Events = (short)PollEvents.Writable };
            Assert.Equal(1, Libc.Poll(&poll, 1, (int)Bound.TotalMilliseconds));
        }
    }

    /// <summary>Sets the mode that a shell would set while the program is stopped.</summary>
    public unsafe void Cook()
    {
        var termios = new byte[Libc.TermiosBytes];
        fixed (byte* start = termios)
        {
            Assert.Equal(0, Libc.TcGetAttr(_terminal.Master.Number, start));
            MemoryMarshal.Cast<byte, uint>(termios.AsSpan())[3] |= Cooked;
            Assert.Equal(0, Libc.TcSetAttr(_terminal.Master.Number, Libc.TCSANOW, start));
        }
    }

    public void Resize(ushort columns, ushort rows) => _terminal.Resize(columns, rows);

    public void Signal(int signal) => Assert.Equal(0, Libc.Kill(Pid, signal));

    /// <summary>Whether the terminal echoes and cooks lines, as before the program started. Readable from the master side too.</summary>
    public unsafe bool IsCooked
    {
        get
        {
            var termios = new byte[Libc.TermiosBytes];
            fixed (byte* start = termios)
                Assert.Equal(0, Libc.TcGetAttr(_terminal.Master.Number, start));
            return (MemoryMarshal.Cast<byte, uint>(termios.AsSpan())[3] & Cooked) == Cooked;
        }
    }

    public async Task BecomesRawAsync() => await Task.Run(() => SpinWait.SpinUntil(() => !IsCooked)).Within("raw mode");

    /// <summary>Closes the terminal, as when its window is closed.</summary>
    public void HangUp() => _hungUp = true;

    public async Task SeesAsync(string text)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var more = _more.Task;
            if (Printed.Contains(text, StringComparison.Ordinal)) return;
            var left = Bound - TimeProvider.System.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || await Task.WhenAny(more, Task.Delay(left)) != more)
                Assert.Fail($"waited {Bound.TotalSeconds} s for '{text}'; the terminal shows:\n{Printed}");
        }
    }

    /// <summary>The exit code once it has ended, 128 + signal when one ended it, with everything printed by then.</summary>
    public async Task<int> EndsAsync()
    {
        await Task.Run(_reader.Join).Within("the program to end");
        return _status!.Value;
    }

    public void Dispose()
    {
        if (_status is null) _ = Libc.Kill(Pid, Libc.SIGKILL);
        _reader.Join();
        _terminal.Dispose();
    }

    private static TerminalRun StartProgram(string path, ScriptedServer server, IReadOnlyList<string> arguments)
    {
        var terminal = PseudoTerminal.Open(80, 24);
        var start = new ProcessStart
        {
            Path = path,
            Arguments = arguments,
            Environment = [.. PortholeProcess.Environment(server).Append(new("PORTHOLE", PortholeProcess.Path)).Select(pair => $"{pair.Key}={pair.Value}")],
            Terminal = terminal.SlavePath,
        };
        return new TerminalRun(terminal, start.Start());
    }

    // Until the program has ended and the terminal is empty.
    private void Read()
    {
        var buffer = new byte[64 * 1024];
        while (!_hungUp)
        {
            var ended = Reap(Libc.WNOHANG);
            if (!Drain(buffer) && ended) return;
        }

        _terminal.Dispose();
        Reap(0);
    }

    private unsafe bool Drain(byte[] buffer)
    {
        var poll = new Libc.PollFd { Fd = _terminal.Master.Number, Events = (short)PollEvents.Readable };
        _ = Libc.Poll(&poll, 1, timeoutMilliseconds: 10);
        nint count;
        fixed (byte* start = buffer)
            count = Libc.Read(poll.Fd, start, (nuint)buffer.Length);
        if (count <= 0) return false;
        lock (_gate)
        {
            _printed.AddRange(buffer.AsSpan(0, (int)count));
            var more = _more;
            _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            more.SetResult();
        }

        return true;
    }

    private unsafe bool Reap(int options)
    {
        if (_status is not null) return true;
        int status;
        if (Libc.WaitPid(Pid, &status, options) != Pid) return false;
        _status = (status & 0x7F) == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F);
        return true;
    }
}
