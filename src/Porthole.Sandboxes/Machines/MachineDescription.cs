using System.Globalization;
using Porthole.Protocol.Link;

namespace Porthole.Sandboxes.Machines;

/// <summary>Everything that a machine's memory depends on while it waits to be told who it is.</summary>
/// <param name="Accelerator">"kvm" or "tcg".</param>
/// <param name="Emulator">The program qemu-system-x86_64.</param>
/// <param name="Kernel">The kernel.</param>
/// <param name="Stamp">Sizes and times of emulator and kernel.</param>
/// <param name="InitialFileSystem">What the kernel unpacks.</param>
/// <param name="Disks">Its disks.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="Processors">Its processors.</param>
/// <param name="TimeStampKilohertz">How fast the host's time stamp counter counts.</param>
internal sealed record MachineDescription(
    string Accelerator, string Emulator, string Kernel, string Stamp, string InitialFileSystem, MachineDisks Disks, long MemoryBytes, int Processors, long TimeStampKilohertz)
{
    /// <summary>Memory that QEMU needs beside the machine's own: its heap, and with TCG the translated code.</summary>
    public const long OverheadBytes = 256L << 20;

    /// <summary>Threads of QEMU: its own, one for each processor, and those that read and write disks.</summary>
    public const int Threads = 128;

    // Translated code; QEMU's own choice would be 1 GB.
    private const int TranslationMegabytes = 128;

    /// <summary>The option by which a machine boots.</summary>
    public const string BootOption = "-kernel";

    /// <summary>Where the files are seen by QEMU.</summary>
    public const string KernelPath = "/vm/kernel", InitialFileSystemPath = "/vm/initrd";

    // Each was measured (docs/decisions/0013): cryptomgr.notests and nokaslr save a quarter of the boot, the next line a tenth. nokaslr costs
    // little: copies of a template share their addresses anyway.
    private const string KernelOptions = "console=ttyS0 quiet loglevel=3 reboot=t panic=-1 no_timer_check cryptomgr.notests=1 nokaslr "
        + "audit=0 apparmor=0 init_on_alloc=0 random.trust_cpu=on rcupdate.rcu_expedited=1 numa=off nowatchdog";

    private bool IsEmulated => Accelerator == "tcg";

    // With TCG the kernel must not calibrate the counter itself: on a busy host it gives up, and hangs in the next delay. Side channels
    // between a guest's own processes are not made by an emulator.
    private string CommandLine => IsEmulated
        ? $"{KernelOptions} mitigations=off tsc=reliable tsc_early_khz={TimeStampKilohertz.ToString(CultureInfo.InvariantCulture)} -- machine"
        : $"{KernelOptions} -- machine";

    /// <summary>QEMU's command line, but for where memory comes from, and the kernel that a machine boots.</summary>
    /// <param name="portDescriptor">Listening socket of the port.</param>
    /// <param name="monitorDescriptor">Listening socket of the monitor.</param>
    /// <param name="storageDescriptor">See <see cref="MachineDisks.Arguments"/>.</param>
    public IEnumerable<string> Arguments(int portDescriptor, int monitorDescriptor, int storageDescriptor) =>
    [
        "-M", "microvm,acpi=on,isa-serial=on,rtc=on,pit=on,pic=on,memory-backend=memory",
        .. IsEmulated

            // Nehalem is fastest to emulate; arat lets an idle machine sleep.
            ? (string[])["-accel", $"tcg,tb-size={TranslationMegabytes}", "-cpu", "Nehalem,+rdrand,+arat"]
            : ["-accel", "kvm", "-cpu", "host"],
        "-m", $"{MemoryBytes >> 20}M", "-smp", $"{Processors}",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        "-chardev", $"socket,id=port,fd={portDescriptor},server=on,wait=off",
        "-device", "virtio-serial-device,id=serial", "-device", $"virtserialport,bus=serial.0,chardev=port,name={MachinePort.Name}",
        "-chardev", $"socket,id=monitor,fd={monitorDescriptor},server=on,wait=off", "-mon", "chardev=monitor,mode=control",
        .. Disks.Arguments(storageDescriptor),
        "-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-device,rng=random",
        "-netdev", $"user,id=net,net={MachineNetwork.Network},host={MachineNetwork.Gateway},dns={MachineNetwork.NameServer},ipv6=off", "-device", "virtio-net-device,netdev=net",
    ];

    /// <summary>
    /// For a machine that boots. One whose memory is given to it has its kernel there: QEMU would read both files, and keep 13 MB of them in
    /// memory for nobody.
    /// </summary>
    public IEnumerable<string> BootArguments => [BootOption, KernelPath, "-initrd", InitialFileSystemPath, "-append", CommandLine];
}
