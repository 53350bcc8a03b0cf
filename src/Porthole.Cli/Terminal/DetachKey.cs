using System.Text;

namespace Porthole.Cli.Terminal;

/// <summary>The key that leaves a shell: Ctrl and a letter.</summary>
internal sealed class DetachKey
{
    private readonly char _letter;

    // The byte itself; the keyboard protocol of kitty, which a program inside may have switched on; xterm's modifyOtherKeys.
    private readonly byte[][] _forms;

    private DetachKey(char letter)
    {
        _letter = letter;
        var code = (int)char.ToLowerInvariant(letter);
        _forms = [[(byte)(letter & 0x1F)], Encoding.ASCII.GetBytes($"\e[{code};5u"), Encoding.ASCII.GetBytes($"\e[27;5;{code}~")];
    }

    /// <summary>As the official command line.</summary>
    public static DetachKey Default { get; } = new(']');

    /// <summary>For a person.</summary>
    public string Name => $"Ctrl+{_letter}";

    /// <summary>Reads <c>ctrl-X</c>, where X is a letter or one of <c>\ ] ^ _</c>.</summary>
    /// <returns>Null for anything else.</returns>
    public static DetachKey? Parse(string text)
    {
        if (text.Length != 6 || !text.StartsWith("ctrl-", StringComparison.OrdinalIgnoreCase)) return null;
        var letter = char.ToUpperInvariant(text[5]);
        return char.IsAsciiLetter(letter) || letter is '\\' or ']' or '^' or '_' ? new DetachKey(letter) : null;
    }

    /// <summary>
    /// Whether what was typed ends in this key. Only the end counts, so that pasted text that holds the byte is passed on; nobody types on
    /// behind the key that leaves.
    /// </summary>
    /// <param name="typed">What one read of the terminal gave.</param>
    /// <param name="before">Bytes in front of the key, when the result is true.</param>
    public bool Ends(ReadOnlySpan<byte> typed, out int before)
    {
        foreach (var form in _forms)
        {
            before = typed.Length - form.Length;
            if (typed.EndsWith(form)) return true;
        }

        before = 0;
        return false;
    }
}
