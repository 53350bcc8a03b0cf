using System.Buffers;

namespace Porthole.Cli;

/// <summary>Writes words so that bash reads exactly them.</summary>
internal static class BashQuoting
{
    // Letters of which no word means anything but itself to bash. No '~', '=' or '#', which can at the start of a word or in front of it.
    private static readonly SearchValues<char> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:,@%+");

    /// <summary>One word, quoted where it has to be.</summary>
    public static string Quote(string word) =>
        word.Length > 0 && !word.AsSpan().ContainsAnyExcept(Plain) ? word : Enclose(word);

    /// <summary>A command line to show to a person.</summary>
    public static string Show(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    /// <summary>A command line for bash to run. The first word is quoted in any case, or it could be a keyword: <c>time</c>, <c>if</c>.</summary>
    public static string Exactly(IReadOnlyList<string> words) => string.Join(' ', words.Select((word, place) => place == 0 ? Enclose(word) : Quote(word)));

    private static string Enclose(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
