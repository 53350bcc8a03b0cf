namespace Porthole.Protocol.Link;

/// <summary>
/// The addresses in every machine's own network, whose only other end is the emulator's (QEMU's user network): the same everywhere, since no two
/// machines share one.
/// </summary>
public static class MachineNetwork
{
    /// <summary>The network, ADDRESS/BITS. Not QEMU's default: that is what slirp4netns uses around it.</summary>
    public const string Network = "172.30.99.0/24";

    /// <summary>Bits of the network's mask, as an address.</summary>
    public const string Mask = "255.255.255.0";

    /// <summary>The machine.</summary>
    public const string Address = "172.30.99.15";

    /// <summary>Where everything else is.</summary>
    public const string Gateway = "172.30.99.2";

    /// <summary>Answers for the host's name servers.</summary>
    public const string NameServer = "172.30.99.3";
}
