using System.Buffers.Binary;
using System.Text;

namespace Porthole.Protocol.Link;

/// <summary>Reads the fields of one payload. Every read checks the length first; bytes left over belong to a newer version and are ignored.</summary>
internal ref struct LinkReader(ReadOnlySpan<byte> payload)
{
    // Throws on bytes that are no UTF-8, so that no name changes on the way.
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = payload;

    public byte Byte() => Take(1)[0];

    public bool Flag() => Byte() != 0;

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public string Text()
    {
        var length = UInt32();
        if (length > _rest.Length)
            throw new LinkProtocolException("a text that is longer than its frame");
        try
        {
            return Strict.GetString(Take((int)length));
        }
        catch (DecoderFallbackException)
        {
            throw new LinkProtocolException("a text that is not UTF-8");
        }
    }

    public byte[] Block()
    {
        var length = UInt32();
        return length <= _rest.Length ? Take((int)length).ToArray() : throw new LinkProtocolException("bytes that go beyond their frame");
    }

    public string[] Texts()
    {
        // Each text takes four bytes at least: a count beyond that is nonsense, refused before an array is made for it.
        var count = UInt32();
        if (count > _rest.Length / sizeof(uint))
            throw new LinkProtocolException("a list that is longer than its frame");
        var texts = new string[count];
        for (var i = 0; i < texts.Length; i++)
            texts[i] = Text();
        return texts;
    }

    private ReadOnlySpan<byte> Take(int bytes)
    {
        if (bytes > _rest.Length)
            throw new LinkProtocolException("a frame that is too short for its type");
        var taken = _rest[..bytes];
        _rest = _rest[bytes..];
        return taken;
    }
}
