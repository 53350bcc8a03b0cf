using System.Text;

namespace Porthole.Cli.Terminal;

/// <summary>
/// Watches output for the terminal modes that programs switch on (alternate screen, mouse, bracketed paste…), so that leaving in the
/// middle of one puts this terminal back into order. Reads only what switches modes: CSI ? … h/l, the keyboard protocol's CSI &gt; … u
/// and CSI &lt; … u, keypad and reset.
/// </summary>
internal sealed class TerminalModes
{
    private const byte Escape = 0x1B;
    private const int CursorVisible = 25;

    // More parameters than any program sends at once; the rest of a longer sequence is ignored.
    private const int MaxSequenceBytes = 64;

    // DEC private modes of xterm(1)'s control sequences that outlive the program that set them.
    private static readonly int[] Tracked = [1, 9, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1049, 2004];
    private static readonly int[] AlternateScreens = [47, 1047, 1049];

    private readonly HashSet<int> _set = [];
    private readonly byte[] _sequence = new byte[MaxSequenceBytes];
    private int _length;
    private State _state;
    private bool _cursorHidden;
    private bool _keypad;
    private int _keyboardPushes;

    private enum State
    {
        Text,
        Escaped,
        Sequence,
    }

    /// <summary>Whether a full-screen program has the screen.</summary>
    public bool IsAlternateScreen => AlternateScreens.Any(_set.Contains);

    /// <summary>Looks at output on its way to the terminal.</summary>
    public void Watch(ReadOnlySpan<byte> output)
    {
        while (!output.IsEmpty)
        {
            if (_state == State.Text)
            {
                var next = output.IndexOf(Escape);
                if (next < 0) return;
                output = output[(next + 1)..];
                _state = State.Escaped;
                continue;
            }

            Step(output[0]);
            output = output[1..];
        }
    }

    /// <summary>What to print so that the terminal is as it was: empty when nothing is switched on.</summary>
    public string Reset()
    {
        var text = new StringBuilder();
        if (_keyboardPushes > 0) text.Append($"\e[<{_keyboardPushes}u");

        // The screen first: leaving it restores the cursor.
        foreach (var mode in _set.OrderByDescending(AlternateScreens.Contains)) text.Append($"\e[?{mode}l");
        if (_keypad) text.Append("\e>");
        if (_cursorHidden) text.Append("\e[?25h");
        Forget();
        return text.ToString();
    }

    private void Step(byte value)
    {
        if (_state == State.Escaped)
        {
            _state = State.Text;
            switch (value)
            {
                case (byte)'[':
                    (_state, _length) = (State.Sequence, 0);
                    break;
                case (byte)'=' or (byte)'>':
                    _keypad = value == '=';
                    break;
                case (byte)'c':
                    Forget();
                    break;
                case Escape:
                    _state = State.Escaped;
                    break;
            }

            return;
        }

        switch (value)
        {
            case Escape:
                _state = State.Escaped;
                break;
            case >= 0x40 and <= 0x7E:
                _state = State.Text;
                if (_length < MaxSequenceBytes) OnSequence(_sequence.AsSpan(0, _length), value);
                break;
            case >= 0x20 and < 0x40:
                if (_length < MaxSequenceBytes) _sequence[_length++] = value;
                break;
        }
    }

    private void OnSequence(ReadOnlySpan<byte> parameters, byte final)
    {
        if (parameters.IsEmpty) return;
        switch ((parameters[0], final))
        {
            case ((byte)'?', (byte)'h' or (byte)'l'):
                foreach (var range in parameters[1..].Split((byte)';'))
                    Switch(Number(parameters[1..][range]), on: final == 'h');
                break;
            case ((byte)'>', (byte)'u'):
                _keyboardPushes++;
                break;
            case ((byte)'<', (byte)'u'):
                _keyboardPushes = Math.Max(0, _keyboardPushes - Math.Max(1, Number(parameters[1..])));
                break;
        }
    }

    private void Switch(int mode, bool on)
    {
        if (mode == CursorVisible) _cursorHidden = !on;
        else if (!on) _set.Remove(mode);
        else if (Tracked.Contains(mode)) _set.Add(mode);
    }

    private void Forget()
    {
        _set.Clear();
        (_cursorHidden, _keypad, _keyboardPushes) = (false, false, 0);
    }

    private static int Number(ReadOnlySpan<byte> digits)
    {
        var number = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9' || number > 10_000) return 0;
            number = (number * 10) + digit - '0';
        }

        return number;
    }
}
