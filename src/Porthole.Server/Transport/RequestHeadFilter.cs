using System.Text;

namespace Porthole.Server.Transport;

/// <summary>
/// Removes header lines that a client sent twice word for word. The official Python client sends Host twice, its WebSocket library once
/// and its signature once, and Kestrel answers every second Host with 400.
/// </summary>
internal static class RequestHeadFilter
{
    // The lines that an official client is known to repeat. None of them says where a body ends, so removing one cannot move a request's border.
    private static readonly byte[][] Repeatable = [
        "Host"u8.ToArray(), "Upgrade"u8.ToArray(), "Connection"u8.ToArray(), "Sec-WebSocket-Version"u8.ToArray(), "Sec-WebSocket-Key"u8.ToArray()];

    /// <summary>Removes each repeatable line whose name (in any case) and value (to the byte, outer blanks aside) an earlier line has.</summary>
    /// <param name="head">The head of an HTTP/1.1 request: request line, header lines and the empty line, all ended by CR LF.</param>
    /// <returns>The head without the repetitions. Lines with the same name but another value stay, for the server to refuse.</returns>
    public static byte[] RemoveRepeatedLines(ReadOnlySpan<byte> head)
    {
        var output = new byte[head.Length];
        var length = 0;
        var rest = head;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf("\r\n"u8);
            var line = end < 0 ? rest : rest[..(end + 2)];
            rest = rest[line.Length..];

            // A line that begins with a blank continues the one before it, so that one may not go. Kestrel refuses such a head.
            var isContinued = !rest.IsEmpty && rest[0] is (byte)' ' or (byte)'\t';
            if (!isContinued && IsRepeated(line, output.AsSpan(0, length))) continue;
            line.CopyTo(output.AsSpan(length));
            length += line.Length;
        }

        return length == output.Length ? output : output[..length];
    }

    private static bool IsRepeated(ReadOnlySpan<byte> line, ReadOnlySpan<byte> earlier)
    {
        if (!TrySplit(line, out var name, out var value) || !IsRepeatable(name)) return false;
        foreach (var range in earlier.Split("\r\n"u8))
        {
            if (TrySplit(earlier[range], out var otherName, out var otherValue) && Ascii.EqualsIgnoreCase(name, otherName) && value.SequenceEqual(otherValue)) return true;
        }

        return false;
    }

    private static bool IsRepeatable(ReadOnlySpan<byte> name)
    {
        foreach (var known in Repeatable)
        {
            if (Ascii.EqualsIgnoreCase(name, known)) return true;
        }

        return false;
    }

    // A request line has no name that matters here: "GET http" at most.
    private static bool TrySplit(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var colon = line.IndexOf((byte)':');
        name = colon < 0 ? default : line[..colon];
        value = colon < 0 ? default : line[(colon + 1)..].Trim(" \t\r\n"u8);
        return colon > 0;
    }
}
