using System.Diagnostics;
using Porthole.Posix;
using Porthole.Protocol.Link;

namespace Porthole.Guest.Machine;

/// <summary>
/// The guest as first process of a virtual machine. It prepares what all machines have in common, waits at the port to be told who it is,
/// and only then gives itself a root directory, a name and a network. Before that it starts no process and holds no secret: the
/// machine can be saved and copied.
/// </summary>
internal static class MachineInit
{
    private const string ModulesDirectory = "/modules", PortsDirectory = "/sys/class/virtio-ports";

    // Ports are told to the kernel after their driver has started; there is no event for it that needs less than this.
    private static readonly TimeSpan PortTimeout = TimeSpan.FromSeconds(20), PortRetry = TimeSpan.FromMilliseconds(2);

    /// <summary>Runs until the guest is told to shut down; then the machine is off.</summary>
    public static void Run()
    {
        try
        {
            KernelFileSystems.Mount();
            KernelModules.Load(ModulesDirectory);
            RootDirectory.MountBase();
            var home = new Home { Halt = Halt, Awoken = CatchUp };
            var port = new PortChannel(home, OpenPort(), Become);
            home.Loop.Post(port.Wait);
            home.Run();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            GuestLog.Write($"the machine cannot start: {error.Message}");
        }

        Halt();
    }

    // All but this process, which a signal to everybody spares (kill(2)). What is stored is on its disk before the machine is off.
    private static void Halt()
    {
        _ = Libc.Kill(-1, Libc.SIGKILL);
        RootDirectory.WriteBack();
        _ = Libc.Reboot(Libc.RB_AUTOBOOT);
    }

    private static void Become(MachineIdentity identity)
    {
        // The clock and the generator first: from here on files have times, and names may be drawn.
        KernelState.SetTime(identity.UnixTime);
        KernelState.AddEntropy(identity.Entropy);
        RootDirectory.Enter(identity.Mounts);
        KernelState.SetProcessLimit(identity.Processes);
        KernelState.SetHostName(identity.HostName);
        NetworkCard.BringUp(identity.HardwareAddress);
        SystemFiles.Write(identity);
    }

    private static void CatchUp(MachineAwakening awakening)
    {
        try
        {
            KernelState.SetTime(awakening.UnixTime);
            KernelState.AddEntropy(awakening.Entropy);
        }
        catch (IOException error)
        {
            // Its programs run already.
            GuestLog.Write($"after a suspension: {error.Message}");
        }
    }

    private static Descriptor OpenPort()
    {
        for (var time = Stopwatch.StartNew(); ; Thread.Sleep(PortRetry))
        {
            var found = Directory.Exists(PortsDirectory)
                ? Directory.EnumerateDirectories(PortsDirectory).FirstOrDefault(port => File.ReadAllText(Path.Combine(port, "name")).Trim() == MachinePort.Name)
                : null;
            if (found is not null)
                return Descriptor.Open("/dev/" + Path.GetFileName(found), Libc.O_RDWR);
            if (time.Elapsed > PortTimeout)
                throw new IOException($"the machine has no port named {MachinePort.Name}");
        }
    }
}
