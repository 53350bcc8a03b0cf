namespace Porthole.Server.Auth.Policies;

/// <summary>Text in which <c>*</c> stands for any characters or none, and <c>?</c> for exactly one.</summary>
/// <param name="Text">The pattern.</param>
internal readonly record struct WildcardPattern(string Text)
{
    /// <summary>Whether the pattern describes the whole of a text. Takes time in the product of their lengths at most, whatever the pattern.</summary>
    /// <param name="text">The text.</param>
    /// <param name="ignoreCase">Whether <c>A</c> to <c>Z</c> are the same as <c>a</c> to <c>z</c>.</param>
    internal bool Matches(ReadOnlySpan<char> text, bool ignoreCase = false)
    {
        ReadOnlySpan<char> pattern = Text;
        int at = 0, position = 0, star = -1, retry = 0;
        while (position < text.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (star, retry) = (at++, position);
            }
            else if (at < pattern.Length && (pattern[at] == '?' || AreSame(pattern[at], text[position], ignoreCase)))
            {
                at++;
                position++;
            }
            else if (star >= 0)
            {
                // The last star takes one character more. Earlier ones never have to: what lies between them was found as early as it can be.
                (at, position) = (star + 1, ++retry);
            }
            else
            {
                return false;
            }
        }

        return pattern[at..].TrimStart('*').IsEmpty;
    }

    private static bool AreSame(char one, char other, bool ignoreCase) =>
        one == other || (ignoreCase && char.IsAsciiLetter(one) && char.IsAsciiLetter(other) && (one | 0x20) == (other | 0x20));
}
