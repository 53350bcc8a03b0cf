using System.Buffers;

namespace Porthole.Protocol.Shells;

internal static class IdCharacters
{
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    internal static bool AreValid(ReadOnlySpan<char> id) =>
        char.IsAsciiLetterOrDigit(id[0]) && !id.ContainsAnyExcept(Allowed);
}
