namespace Porthole.Protocol.Link;

/// <summary>What a machine has missed while it was suspended; the first frame after the greeting, on stream 0.</summary>
/// <param name="Entropy">Random bytes for the kernel's generator, 32 or more: what it would have drawn lay on a disk meanwhile.</param>
/// <param name="UnixTime">The time, in units of 100 ns since 1970.</param>
public sealed record MachineAwakening(byte[] Entropy, long UnixTime)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer)
    {
        writer.Begin().Block(Entropy);
        writer.Int64(UnixTime);
        return writer.End(LinkFrameType.Awake, 0);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is malformed.</exception>
    public static MachineAwakening Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new MachineAwakening(reader.Block(), reader.Int64());
    }
}
