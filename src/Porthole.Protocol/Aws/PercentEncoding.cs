using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Porthole.Protocol.Aws;

/// <summary>RFC 3986 percent-encoding as signature version 4 wants it: everything but letters, digits and <c>-._~</c>, in upper-case hex.</summary>
public static class PercentEncoding
{
    private static readonly SearchValues<byte> Unreserved =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"u8);

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Encodes the UTF-8 form of <paramref name="text"/>, slashes included.</summary>
    public static string Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var output = new StringBuilder(text.Length + 16);
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            if (Unreserved.Contains(value)) output.Append((char)value);
            else output.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
        }

        return output.ToString();
    }

    /// <summary>
    /// Decodes once. A plus sign stays a plus sign, because the official signers do not mean a space by it.
    /// </summary>
    /// <param name="text">The encoded text.</param>
    /// <param name="decoded">The decoded text, when the result is true.</param>
    /// <returns>False for a percent sign without two hex digits, and for bytes that are not UTF-8.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out string? decoded)
    {
        decoded = null;
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var length = 0;
        while (!text.IsEmpty)
        {
            var plain = text.IndexOf('%');
            if (plain < 0) plain = text.Length;
            length += Encoding.UTF8.GetBytes(text[..plain], bytes.AsSpan(length));
            text = text[plain..];
            if (text.IsEmpty) break;
            if (text.Length < 3 || !char.IsAsciiHexDigit(text[1]) || !char.IsAsciiHexDigit(text[2])) return false;
            bytes[length++] = byte.Parse(text[1..3], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            text = text[3..];
        }

        try
        {
            decoded = StrictUtf8.GetString(bytes, 0, length);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
