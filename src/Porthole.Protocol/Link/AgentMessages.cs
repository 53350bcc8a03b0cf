namespace Porthole.Protocol.Link;

/// <summary>
/// Attaches a stream to the sandbox's one agent: to the log of what it prints, and to its end. The agent itself needs no stream and goes on
/// without any. Only to guests that speak version <see cref="LinkHello.AgentVersion"/>; an older one would never answer.
/// </summary>
/// <param name="FromOffset">Offset of the first log byte wanted; what is beyond the log's end counts as the end.</param>
/// <param name="Credit">Log bytes that the guest may send before it gets more credit; 0 for no log at all, the end alone.</param>
/// <param name="LogBytes">How much of the log is kept when the agent is started for the first time, 4 KB to 16 MB.</param>
/// <param name="Program">What to start when no agent runs now; null to start none.</param>
public sealed record AttachAgent(long FromOffset, uint Credit, uint LogBytes, ProgramSpec? Program)
{
    /// <summary>Encodes the frame.</summary>
    /// <exception cref="ArgumentException">The program's arguments and environment do not fit into one frame.</exception>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().Int64(FromOffset);
        writer.UInt32(Credit);
        writer.UInt32(LogBytes);
        writer.Byte(Program is null ? (byte)0 : (byte)1);
        Program?.Write(writer);
        return writer.End(LinkFrameType.AttachAgent, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is malformed.</exception>
    public static AttachAgent Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new AttachAgent(reader.Int64(), reader.UInt32(), reader.UInt32(), reader.Flag() ? ProgramSpec.Read(ref reader) : null);
    }
}

/// <summary>
/// The answer to <see cref="AttachAgent"/>; the log follows from <paramref name="StartOffset"/> on. Comes again on the same stream, in front of
/// the bytes it speaks of, when the log has forgotten some that were not sent yet: nobody who reads slowly holds up the agent.
/// </summary>
/// <param name="Started">Whether this request started it.</param>
/// <param name="Run">Which start of an agent in this sandbox this is, from 1 on.</param>
/// <param name="StartOffset">Offset of the next log byte that will be sent.</param>
/// <param name="EndOffset">Offset after the newest log byte at this moment.</param>
/// <param name="Dropped">Bytes in front of <paramref name="StartOffset"/> that were wanted and are gone.</param>
public readonly record struct AgentAttached(bool Started, uint Run, long StartOffset, long EndOffset, long Dropped)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().Byte(Started ? (byte)1 : (byte)0);
        writer.UInt32(Run);
        writer.Int64(StartOffset);
        writer.Int64(EndOffset);
        writer.Int64(Dropped);
        return writer.End(LinkFrameType.AgentAttached, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short, or counts below zero.</exception>
    public static AgentAttached Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        var attached = new AgentAttached(reader.Flag(), reader.UInt32(), reader.Int64(), reader.Int64(), reader.Int64());
        return attached is { StartOffset: >= 0, Dropped: >= 0 } && attached.EndOffset >= attached.StartOffset
            ? attached
            : throw new LinkProtocolException("a log that ends before it begins");
    }
}

/// <summary>
/// Opens a TCP connection to a port on the sandbox's 127.0.0.1, whoever listens there. Bytes go as Input and Output, each within its credit;
/// EndOfInput and EndOfOutput end one direction. Only to guests that speak version <see cref="LinkHello.AgentVersion"/>.
/// </summary>
/// <param name="Port">1 to 65535.</param>
/// <param name="Credit">Output bytes that the guest may send before it gets more credit.</param>
public readonly record struct ConnectPort(ushort Port, uint Credit)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().UInt16(Port);
        writer.UInt32(Credit);
        return writer.End(LinkFrameType.ConnectPort, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short.</exception>
    public static ConnectPort Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        return new ConnectPort(reader.UInt16(), reader.UInt32());
    }
}

/// <summary>The answer to <see cref="ConnectPort"/>: the connection stands.</summary>
/// <param name="InputCredit">Input bytes that the server may send before it gets more credit.</param>
public readonly record struct PortConnected(uint InputCredit)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer, uint stream)
    {
        writer.Begin().UInt32(InputCredit);
        return writer.End(LinkFrameType.PortConnected, stream);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is too short.</exception>
    public static PortConnected Read(ReadOnlySpan<byte> payload) => new(new LinkReader(payload).UInt32());
}
