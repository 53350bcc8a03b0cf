using System.Buffers;
using System.Text.Json;

namespace Porthole.Protocol.Shells;

/// <summary>The size of a terminal in character cells.</summary>
/// <param name="Columns">Cells in a row, 1 to <see cref="Max"/>.</param>
/// <param name="Rows">Rows, 1 to <see cref="Max"/>.</param>
public readonly record struct TerminalSize(int Columns, int Rows)
{
    /// <summary>Largest number of columns or rows that the service documents.</summary>
    public const int Max = 1000;

    /// <summary>The size of a shell until its first resize.</summary>
    public static TerminalSize Default { get; } = new(80, 24);

    /// <summary>Whether both numbers are within 1 to <see cref="Max"/>.</summary>
    public bool IsValid => Columns is >= 1 and <= Max && Rows is >= 1 and <= Max;

    /// <summary>Reads the payload of a resize frame, <c>{"width":columns,"height":rows}</c>.</summary>
    /// <param name="payload">The frame without its channel byte.</param>
    /// <param name="size">The size, when the result is true.</param>
    /// <returns>False for anything that is not both numbers as integers in range: the frame is then ignored, as the service does.</returns>
    public static bool TryParse(ReadOnlySpan<byte> payload, out TerminalSize size)
    {
        size = default;
        try
        {
            return TryRead(payload, out size) && size.IsValid;
        }
        catch (JsonException)
        {
            // Not JSON: bytes from outside, and the caller ignores the frame.
            return false;
        }
    }

    private static bool TryRead(ReadOnlySpan<byte> payload, out TerminalSize size)
    {
        size = default;
        int columns = 0, rows = 0;
        var reader = new Utf8JsonReader(payload);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("width"u8))
            {
                if (!TryReadNumber(ref reader, out columns)) return false;
            }
            else if (reader.ValueTextEquals("height"u8))
            {
                if (!TryReadNumber(ref reader, out rows)) return false;
            }
            else
            {
                reader.Skip();
            }
        }

        // The last Read makes the reader look for trailing bytes behind the object.
        if (reader.TokenType != JsonTokenType.EndObject || reader.Read()) return false;
        size = new TerminalSize(columns, rows);
        return true;
    }

    private static bool TryReadNumber(ref Utf8JsonReader reader, out int value)
    {
        value = 0;
        return reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out value);
    }

    /// <summary>Writes the payload of a resize frame.</summary>
    /// <param name="output">Gets the JSON, without the channel byte.</param>
    public void WriteTo(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteNumber("width"u8, Columns);
        json.WriteNumber("height"u8, Rows);
        json.WriteEndObject();
    }
}
