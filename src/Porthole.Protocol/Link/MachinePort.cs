using System.Buffers.Binary;

namespace Porthole.Protocol.Link;

/// <summary>
/// How bytes go through the one port of a virtual machine, which neither end can tell to have been closed and opened again in between.
/// The guest sends plain frames. The server wraps each of its own in one byte before and one behind, and every connection begins with a
/// <see cref="Reset"/>, behind as many zeros as the longest frame when an earlier server may have died in the middle of one: what was cut
/// off ends in zeros, lacks its last byte and counts for nothing. The guest answers a reset by repeating it, then its greeting follows.
/// </summary>
public static class MachinePort
{
    /// <summary>The port's name in the guest.</summary>
    public const string Name = "porthole";

    /// <summary>Between units; any number of them mean nothing.</summary>
    public const byte Padding = 0;

    /// <summary>Before a frame.</summary>
    public const byte Frame = 1;

    /// <summary>Behind a frame; without it the frame is dropped.</summary>
    public const byte FrameEnd = 2;

    /// <summary>Followed by a token of <see cref="TokenBytes"/>: what was before is over, all streams are closed.</summary>
    public const byte Reset = 3;

    /// <summary>A token is random, so that no bytes of an earlier connection can be taken for the answer to this one.</summary>
    public const int TokenBytes = 16;

    /// <summary>Zeros to send where an earlier connection may have been cut off.</summary>
    public const int PaddingBytes = LinkFrame.MaxFrameBytes + 64;

    /// <summary>Longest unit: a wrapped frame.</summary>
    public const int MaxUnitBytes = LinkFrame.MaxFrameBytes + 2;

    /// <summary>Wraps a frame.</summary>
    /// <param name="frame">The whole frame.</param>
    /// <param name="destination">Two bytes longer than the frame.</param>
    public static void Wrap(ReadOnlySpan<byte> frame, Span<byte> destination)
    {
        destination[0] = Frame;
        frame.CopyTo(destination[1..]);
        destination[frame.Length + 1] = FrameEnd;
    }

    /// <summary>How long a frame is whose header is given, header and all; 0 when no frame is that long.</summary>
    internal static int FrameLength(ReadOnlySpan<byte> header)
    {
        var payload = (int)(BinaryPrimitives.ReadUInt32LittleEndian(header) & 0xFF_FFFF);
        return payload <= LinkFrame.MaxPayloadBytes ? LinkFrame.HeaderBytes + payload : 0;
    }
}
