using Porthole.Client;

namespace Porthole.Cli.Terminal;

/// <summary>What the user sees: the shell's output as it is, and now and then one dim line of ours about the connection.</summary>
internal sealed class ShellScreen
{
    private const string Dim = "\e[2m", Plain = "\e[0m", ClearLine = "\r\e[2K";

    private readonly TerminalModes _modes = new();
    private readonly bool _outputIsTerminal = StandardStream.IsTerminal(StandardStream.Output);
    private readonly bool _noticesAreOnTerminal = StandardStream.IsTerminal(StandardStream.Error);
    private bool _retrying;
    private byte _last = (byte)'\n';

    /// <summary>Whether a full-screen program has the screen, which nobody but itself can repaint.</summary>
    public bool IsAlternate => _modes.IsAlternateScreen;

    /// <summary>Prints what the shell printed.</summary>
    /// <returns>False when nobody reads our output any more.</returns>
    public bool Print(ReadOnlySpan<byte> output)
    {
        if (_outputIsTerminal) _modes.Watch(output);
        _last = output[^1];
        return StandardStream.Write(StandardStream.Output, output);
    }

    public void Say(string text)
    {
        EndRetryLine();
        WriteLine(text);
    }

    public void OnDisconnected(ShellNotice.Disconnected notice, DetachKey? detachKey)
    {
        var leave = detachKey is null ? "" : $" {detachKey.Name} detaches.";
        WriteLine($"connection lost ({notice.Reason}); reconnecting. What you type is kept.{leave}");
    }

    /// <summary>Says that an attempt failed, in one line that the next attempt overwrites.</summary>
    public void OnRetryFailed(ShellNotice.RetryFailed notice)
    {
        var text = $"trying again in {notice.RetryIn.TotalSeconds:0} s: {notice.Reason}";
        if (!_noticesAreOnTerminal || IsAlternate) return;
        StandardStream.Write(StandardStream.Error, $"{ClearLine}{Dim}porthole: {Cut(text)}{Plain}");
        _retrying = true;
    }

    public void OnReconnected(ShellNotice.Reconnected notice)
    {
        EndRetryLine();
        var losses = new List<string>();
        if (!notice.SameShell) losses.Add("the shell had ended, this is a new one");
        if (notice.BytesDropped > 0) losses.Add($"{notice.BytesDropped} bytes of output lost");
        if (notice.InputLost > 0) losses.Add($"{notice.InputLost} bytes of input not delivered");
        WriteLine(losses.Count == 0 ? "reconnected" : $"reconnected: {string.Join(", ", losses)}");
    }

    /// <summary>Puts the terminal back as it was before the shell's programs changed it.</summary>
    /// <param name="inTheMiddle">Whether we leave while something may be half printed.</param>
    public void Leave(bool inTheMiddle)
    {
        EndRetryLine();
        if (!_outputIsTerminal) return;
        var reset = _modes.Reset();
        if (inTheMiddle) reset += Plain;
        if (inTheMiddle && _last != '\n') reset += "\r\n";
        if (reset.Length > 0) StandardStream.Write(StandardStream.Output, reset);
    }

    private void EndRetryLine()
    {
        if (!_retrying) return;
        _retrying = false;
        StandardStream.Write(StandardStream.Error, ClearLine);
    }

    private void WriteLine(string text)
    {
        if (!_noticesAreOnTerminal)
        {
            StandardStream.Write(StandardStream.Error, $"porthole: {text}\n");
            return;
        }

        // On a full screen the bottom line is borrowed; the program repaints it when the size changes, which the caller sees to.
        if (IsAlternate && LocalTerminal.Size() is { } size)
        {
            StandardStream.Write(StandardStream.Error, $"\e7\e[{size.Rows};1H\e[2K{Dim}porthole: {Cut(text)}{Plain}\e8");
            return;
        }

        // In raw mode a line needs its carriage return.
        var start = _last == '\n' ? "\r" : "\r\n";
        StandardStream.Write(StandardStream.Error, $"{start}{Dim}porthole: {text}{Plain}\r\n");
        _last = (byte)'\n';
    }

    // A retry notice must stay one line, or it could not be overwritten.
    private static string Cut(string text)
    {
        var room = (LocalTerminal.Size()?.Columns ?? 80) - "porthole: ".Length - 1;
        return text.Length <= room || room < 1 ? text : string.Concat(text.AsSpan(0, room - 1), "…");
    }
}
