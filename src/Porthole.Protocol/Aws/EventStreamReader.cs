using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Text;

namespace Porthole.Protocol.Aws;

/// <summary>Reads messages of <see cref="EventStream"/> from bytes as they arrive.</summary>
public static class EventStreamReader
{
    /// <summary>Bytes of the largest message accepted. A command's event carries at most 64 KB of text, six times that when JSON escapes all of it.</summary>
    public const int MaxMessageBytes = 1024 * 1024;

    /// <summary>Takes the first message off a buffer.</summary>
    /// <param name="buffer">What arrived; shortened by the message when the result is true.</param>
    /// <param name="message">A copy of the message, when the result is true.</param>
    /// <returns>False while the message is not complete.</returns>
    /// <exception cref="InvalidDataException">The bytes are no message, or one above <see cref="MaxMessageBytes"/>. The stream is lost.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, [NotNullWhen(true)] out EventStreamMessage? message)
    {
        message = null;
        if (buffer.Length < EventStream.PreludeLength) return false;
        Span<byte> prelude = stackalloc byte[EventStream.PreludeLength];
        buffer.Slice(0, EventStream.PreludeLength).CopyTo(prelude);
        var totalLength = BinaryPrimitives.ReadUInt32BigEndian(prelude);
        var headerLength = BinaryPrimitives.ReadUInt32BigEndian(prelude[4..]);

        // The checksum first, then the bounds: both before anything is stored for the message.
        if (BinaryPrimitives.ReadUInt32BigEndian(prelude[8..]) != Crc32.HashToUInt32(prelude[..8])) throw Bad("the checksum of its lengths is wrong");
        if (totalLength is < EventStream.Overhead or > MaxMessageBytes) throw Bad($"a length of {totalLength} bytes is out of range");
        if (headerLength > totalLength - EventStream.Overhead) throw Bad("its headers are longer than itself");
        if (buffer.Length < totalLength) return false;

        var bytes = buffer.Slice(0, totalLength).ToArray();
        var crc = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(^EventStream.CrcLength..));
        if (crc != Crc32.HashToUInt32(bytes.AsSpan(..^EventStream.CrcLength))) throw Bad("its checksum is wrong");
        var headers = ReadHeaders(bytes.AsSpan(EventStream.PreludeLength, (int)headerLength));
        message = new EventStreamMessage(headers, bytes.AsMemory((EventStream.PreludeLength + (int)headerLength)..^EventStream.CrcLength));
        buffer = buffer.Slice(totalLength);
        return true;
    }

    private static Dictionary<string, string> ReadHeaders(ReadOnlySpan<byte> bytes)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        while (!bytes.IsEmpty)
        {
            var name = Encoding.UTF8.GetString(Take(ref bytes, Take(ref bytes, 1)[0]));
            var type = Take(ref bytes, 1)[0];
            var value = Take(ref bytes, ValueLength(type, ref bytes));
            if (type == EventStream.StringType) headers[name] = Encoding.UTF8.GetString(value);
        }

        return headers;
    }

    private static int ValueLength(byte type, ref ReadOnlySpan<byte> bytes) => type switch
    {
        0 or 1 => 0, // true, false
        2 => 1, // byte
        3 => 2, // short
        4 => 4, // integer
        5 or 8 => 8, // long, timestamp
        6 or EventStream.StringType => BinaryPrimitives.ReadUInt16BigEndian(Take(ref bytes, 2)), // bytes, text
        9 => 16, // UUID
        _ => throw Bad($"a header has the unknown type {type}"),
    };

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> bytes, int length)
    {
        if (length > bytes.Length) throw Bad("a header is cut short");
        var taken = bytes[..length];
        bytes = bytes[length..];
        return taken;
    }

    private static InvalidDataException Bad(string problem) => new($"This is no event stream message: {problem}.");
}
