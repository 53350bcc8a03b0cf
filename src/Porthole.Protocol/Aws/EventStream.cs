using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;

namespace Porthole.Protocol.Aws;

/// <summary>
/// The encoding <c>application/vnd.amazon.eventstream</c>: total length, header length and their CRC-32, headers, payload, CRC-32 of all
/// before it. Numbers are big endian.
/// </summary>
public static class EventStream
{
    /// <summary>The content type of a body in this encoding.</summary>
    public const string ContentType = "application/vnd.amazon.eventstream";

    /// <summary>Bytes of a message without headers and payload.</summary>
    public const int Overhead = PreludeLength + CrcLength;

    internal const int PreludeLength = 12;
    internal const int CrcLength = 4;
    internal const byte StringType = 7;

    private const int MaxNameLength = byte.MaxValue;
    private const int MaxValueLength = short.MaxValue;

    /// <summary>Writes one event of a command's answer.</summary>
    /// <param name="output">Gets the message.</param>
    /// <param name="payload">The event as JSON, for instance <c>{"contentStart":{}}</c>; not wrapped in <c>chunk</c> again.</param>
    public static void WriteChunk(IBufferWriter<byte> output, ReadOnlySpan<byte> payload) =>
        Write(output, [new(":message-type", "event"), new(":event-type", "chunk"), new(":content-type", "application/json")], payload);

    /// <summary>Writes an error that happens after the answer has begun.</summary>
    /// <param name="output">Gets the message.</param>
    /// <param name="error">The error; its name goes out with a lower-case first letter, or the official JavaScript client loses it.</param>
    public static void WriteException(IBufferWriter<byte> output, AwsError error)
    {
        ArgumentNullException.ThrowIfNull(error);
        var payload = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(payload))
        {
            json.WriteStartObject();
            json.WriteString("message"u8, error.Message);
            json.WriteEndObject();
        }

        var type = char.ToLowerInvariant(error.Name[0]) + error.Name[1..];
        Write(output, [new(":message-type", "exception"), new(":exception-type", type), new(":content-type", "application/json")], payload.WrittenSpan);
    }

    /// <summary>Writes a message.</summary>
    /// <param name="output">Gets the message.</param>
    /// <param name="headers">Names of 1 to 255 bytes, values up to 32,767.</param>
    /// <param name="payload">Any bytes.</param>
    /// <exception cref="ArgumentException">A header's name or value is too long, or a name is empty.</exception>
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<KeyValuePair<string, string>> headers, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(output);
        var headerLength = HeaderLength(headers);
        var totalLength = checked(Overhead + headerLength + payload.Length);
        var message = output.GetSpan(totalLength)[..totalLength];
        BinaryPrimitives.WriteInt32BigEndian(message, totalLength);
        BinaryPrimitives.WriteInt32BigEndian(message[4..], headerLength);
        BinaryPrimitives.WriteUInt32BigEndian(message[8..], Crc32.HashToUInt32(message[..8]));
        WriteHeaders(message[PreludeLength..], headers);
        payload.CopyTo(message[(PreludeLength + headerLength)..]);
        BinaryPrimitives.WriteUInt32BigEndian(message[^CrcLength..], Crc32.HashToUInt32(message[..^CrcLength]));
        output.Advance(totalLength);
    }

    private static int HeaderLength(ReadOnlySpan<KeyValuePair<string, string>> headers)
    {
        var length = 0;
        foreach (var (name, value) in headers)
        {
            var nameLength = Encoding.UTF8.GetByteCount(name);
            var valueLength = Encoding.UTF8.GetByteCount(value);
            if (nameLength is 0 or > MaxNameLength || valueLength > MaxValueLength)
                throw new ArgumentException($"The event stream header '{name}' does not fit its length field.", nameof(headers));
            length += 4 + nameLength + valueLength;
        }

        return length;
    }

    private static void WriteHeaders(Span<byte> output, ReadOnlySpan<KeyValuePair<string, string>> headers)
    {
        foreach (var (name, value) in headers)
        {
            var nameLength = Encoding.UTF8.GetBytes(name, output[1..]);
            output[0] = (byte)nameLength;
            output = output[(1 + nameLength)..];
            output[0] = StringType;
            var valueLength = Encoding.UTF8.GetBytes(value, output[3..]);
            BinaryPrimitives.WriteUInt16BigEndian(output[1..], (ushort)valueLength);
            output = output[(3 + valueLength)..];
        }
    }
}
