using System.Text;
using System.Text.RegularExpressions;
using Porthole.Bench.Terminals;

namespace Porthole.Bench;

/// <summary>Talks to a shell until it is in the state that a scenario needs; the same words for every peer.</summary>
internal static partial class ShellDialogue
{
    /// <summary>
    /// The same bash for every peer, whatever the login shell has read from the host's or the sandbox's /etc. The prompt has
    /// no letter, so that a letter in the output is always an echo.
    /// </summary>
    private const string PlainBash = "exec env -i TERM=xterm-256color LANG=C.UTF-8 PATH=/usr/bin:/bin HOME=/tmp HISTFILE= PS1='%''% ' bash --norc --noprofile";

    /// <summary>A line of 78 characters and a line end: what a program that prints text gives a terminal.</summary>
    private const string Flood = "exec yes 0123456789012345678901234567890123456789012345678901234567890123456789abcdefgh";

    public static void WaitForPrompt(Terminal terminal) => ReadUntil(terminal, "a prompt", text => Prompt().IsMatch(Escape().Replace(text, "")));

    public static void WaitFor(Terminal terminal, string text) => ReadUntil(terminal, $"\"{text}\"", seen => seen.Contains(text, StringComparison.Ordinal));

    public static void BecomePlainBash(Terminal terminal)
    {
        WaitForPrompt(terminal);
        Type(terminal, PlainBash, "%% ");
    }

    /// <summary>A program that gives back each byte at once, on a terminal in raw mode.</summary>
    public static void BecomeEcho(Terminal terminal)
    {
        BecomePlainBash(terminal);
        Type(terminal, "stty raw -echo; echo rea''dy; exec cat", "ready\n");
    }

    public static void BecomeFlood(Terminal terminal)
    {
        BecomePlainBash(terminal);
        StartFlood(terminal);
    }

    /// <summary>In a plain bash.</summary>
    public static void StartFlood(Terminal terminal) => Type(terminal, Flood, "fgh\r\n012");

    /// <summary>Types a line and waits for a text that its own echo does not contain.</summary>
    private static void Type(Terminal terminal, string line, string awaited)
    {
        terminal.Write(Encoding.ASCII.GetBytes(line + "\r"));
        ReadUntil(terminal, $"\"{awaited.Trim()}\"", text => text.Contains(awaited, StringComparison.Ordinal));
    }

    private static void ReadUntil(Terminal terminal, string awaited, Func<string, bool> there)
    {
        var text = new StringBuilder();
        do
        {
            try
            {
                text.Append(Encoding.Latin1.GetString(terminal.Read()));
            }
            catch (TerminalEndedException end)
            {
                throw new TerminalEndedException($"waited for {awaited}, but {end.Message}; the terminal showed: {text}");
            }
        }
        while (!there(text.ToString()));
    }

    [GeneratedRegex(@"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\a]*\a")]
    private static partial Regex Escape();

    [GeneratedRegex(@"[#$%>] ?\z")]
    private static partial Regex Prompt();
}
