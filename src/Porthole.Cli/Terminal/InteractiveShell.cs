using System.Runtime.InteropServices;
using Porthole.Client;
using Porthole.Posix;
using Porthole.Protocol.Shells;

namespace Porthole.Cli.Terminal;

/// <summary>Joins the local terminal to a shell until one of them is left.</summary>
/// <param name="shell">The attached shell; disposed by the caller.</param>
/// <param name="detachKey">The key that leaves; null for none.</param>
/// <param name="returnCommand">The command that comes back to this shell.</param>
internal sealed class InteractiveShell(ShellConnection shell, DetachKey? detachKey, string returnCommand)
{
    private readonly bool _inputIsTerminal = StandardStream.IsTerminal(StandardStream.Input);
    private readonly ShellScreen _screen = new();

    // The code to exit with when something other than the shell decides it: a signal, a closed pipe.
    private int? _exitCode;

    /// <summary>Runs until the end.</summary>
    /// <returns>The shell's exit code, or one of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync()
    {
        ShellEnd end;
        using (var terminal = _inputIsTerminal ? LocalTerminal.TryEnter(StandardStream.Input) : null)
        {
            using var signals = new SignalHandlers(OnSignal, OnWindowChanged);

            // Only now: the first size tells the shell that everything it prints and every key is taken care of.
            if (shell.Reattached) Repaint();
            else OnWindowChanged();
            var input = new ShellInput(shell, _inputIsTerminal, detachKey);
            _ = LeaveWithInputAsync(input);
            input.Start();
            end = await RelayAsync();
            _screen.Leave(inTheMiddle: end.Reason != ShellEndReason.Exited);
        }

        return Report(end);
    }

    private async Task<ShellEnd> RelayAsync()
    {
        while (true)
        {
            var message = await shell.ReadAsync();
            switch (message.Notice)
            {
                case null:
                    if (!_screen.Print(message.Output.Span)) await LeaveAsync(ExitCode.BySignal(Libc.SIGPIPE));
                    break;
                case ShellNotice.Ended ended:
                    return ended.End;
                case ShellNotice.Diagnostic diagnostic:
                    _screen.Say(diagnostic.Text);
                    break;
                case ShellNotice.Disconnected disconnected:
                    _screen.OnDisconnected(disconnected, _inputIsTerminal ? detachKey : null);
                    break;
                case ShellNotice.RetryFailed failed:
                    _screen.OnRetryFailed(failed);
                    break;
                case ShellNotice.Reconnected reconnected:
                    _screen.OnReconnected(reconnected);
                    if (_screen.IsAlternate) Repaint();
                    break;
            }
        }
    }

    private async Task LeaveWithInputAsync(ShellInput input)
    {
        try
        {
            await LeaveAsync(await input.Left ? ExitCode.Success : ExitCode.BySignal(Libc.SIGHUP));
        }
        catch (PosixException e)
        {
            _screen.Say(e.Message);
            await LeaveAsync(ExitCode.NotReached);
        }
    }

    private Task LeaveAsync(int exitCode)
    {
        _exitCode ??= exitCode;
        return shell.DetachAsync();
    }

    private void OnSignal(int signal) => _ = LeaveAsync(ExitCode.BySignal(signal));

    private void OnWindowChanged()
    {
        if (LocalTerminal.Size() is { } size) shell.Resize(size);
    }

    // A full-screen program repaints when its size changes, and only then: so it changes, by a row, and back.
    private void Repaint()
    {
        if (LocalTerminal.Size() is not { Rows: > 1 } size) return;
        shell.Resize(new TerminalSize(size.Columns, size.Rows - 1));
        shell.Resize(size);
    }

    private int Report(ShellEnd end)
    {
        switch (end.Reason)
        {
            case ShellEndReason.Exited:
                return end.ExitCode ?? ExitCode.NotReached;
            case ShellEndReason.Detached:
                Tell($"detached; the shell goes on. Return with:\n  {returnCommand}");
                return _exitCode ?? ExitCode.Success;
            case ShellEndReason.TakenOver or ShellEndReason.Lost:
                Tell($"{end.Message}; the shell goes on. Return with:\n  {returnCommand}");
                return _exitCode ?? ExitCode.NotReached;
            default:
                Tell(end.Message);
                return _exitCode ?? ExitCode.NotReached;
        }
    }

    private static void Tell(string text) => StandardStream.Write(StandardStream.Error, $"porthole: {text}\n");

    /// <summary>The signals that end this program, and the one that tells of a new window size.</summary>
    private sealed class SignalHandlers : IDisposable
    {
        private readonly PosixSignalRegistration[] _registrations;

        public SignalHandlers(Action<int> leave, Action resize)
        {
            (PosixSignal Signal, int Number)[] ending =
                [(PosixSignal.SIGTERM, Libc.SIGTERM), (PosixSignal.SIGHUP, Libc.SIGHUP), (PosixSignal.SIGINT, Libc.SIGINT), (PosixSignal.SIGQUIT, Libc.SIGQUIT)];
            _registrations =
            [
                .. ending.Select(entry => PosixSignalRegistration.Create(entry.Signal, context =>
                {
                    // Left in order instead of at once: the terminal gets its mode back, the server a close.
                    context.Cancel = true;
                    leave(entry.Number);
                })),
                PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => resize()),
            ];
        }

        public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());
    }
}
