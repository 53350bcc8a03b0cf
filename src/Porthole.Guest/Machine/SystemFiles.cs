using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Machine;

/// <summary>The files of /etc that differ from machine to machine.</summary>
internal static class SystemFiles
{
    /// <summary>Writes them.</summary>
    /// <exception cref="IOException">The session's disk is full.</exception>
    public static void Write(MachineIdentity identity)
    {
        Write("hostname", identity.HostName + "\n");
        Write("hosts", $"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {identity.HostName}\n");
        Write("machine-id", identity.MachineId + "\n");
        Write("resolv.conf", identity.HardwareAddress.Length > 0 ? $"nameserver {MachineNetwork.NameServer}\n" : "# no network\n");
    }

    private static void Write(string name, string text) => InnerFiles.Write("/", "etc/" + name, text, 0);
}
