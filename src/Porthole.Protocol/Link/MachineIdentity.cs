namespace Porthole.Protocol.Link;

/// <summary>
/// What makes a booted machine somebody's: the server's first frame to it, on stream 0, once. Until then the guest runs nothing, so that a
/// machine can be copied with its memory; what must differ between copies is here.
/// </summary>
/// <param name="Entropy">Random bytes for the kernel's generator, 32 or more: copies start with the same one.</param>
/// <param name="UnixTime">The time, in units of 100 ns since 1970: a copy's clock stands where the original's stood.</param>
/// <param name="HostName">What the machine calls itself.</param>
/// <param name="MachineId">For /etc/machine-id, 32 hexadecimal digits (machine-id(5)).</param>
/// <param name="HardwareAddress">Of its network card; six bytes, or none for a machine without a network.</param>
/// <param name="Processes">How many processes and threads it may have.</param>
/// <param name="Mounts">Its disks behind the first two, which become its root directory.</param>
public sealed record MachineIdentity(
    byte[] Entropy, long UnixTime, string HostName, string MachineId, byte[] HardwareAddress, uint Processes, IReadOnlyList<MachineMount> Mounts)
{
    /// <summary>Encodes the frame.</summary>
    public ReadOnlySpan<byte> Write(LinkWriter writer)
    {
        writer.Begin().Block(Entropy);
        writer.Int64(UnixTime);
        writer.Text(HostName);
        writer.Text(MachineId);
        writer.Block(HardwareAddress);
        writer.UInt32(Processes);
        writer.Byte((byte)Mounts.Count);
        foreach (var mount in Mounts)
            mount.Write(writer);
        return writer.End(LinkFrameType.Identity, 0);
    }

    /// <summary>Decodes the payload.</summary>
    /// <exception cref="LinkProtocolException">The payload is malformed.</exception>
    public static MachineIdentity Read(ReadOnlySpan<byte> payload)
    {
        var reader = new LinkReader(payload);
        var (entropy, time, name, id, address, processes) = (reader.Block(), reader.Int64(), reader.Text(), reader.Text(), reader.Block(), reader.UInt32());
        var mounts = new MachineMount[reader.Byte()];
        for (var i = 0; i < mounts.Length; i++)
            mounts[i] = MachineMount.Read(ref reader);
        return new MachineIdentity(entropy, time, name, id, address, processes, mounts);
    }
}
