using System.Globalization;
using Porthole.Bench.Terminals;
using Porthole.Posix;

namespace Porthole.Bench.Peers;

/// <summary>
/// QEMU, the kernel and the first program of Porthole's machines, booted without Porthole, without a disk and without a shell: it is there when that
/// program says that it has no disk. Less than a session needs, so a yardstick that is hard to beat.
/// </summary>
/// <param name="machineDirectory">What <c>scripts/setup-microvm</c> has made.</param>
internal sealed class BareMachinePeer(string machineDirectory) : Peer
{
    private const string Started = "the machine cannot start";

    private readonly Lazy<long> _timeStampKilohertz = new(TimeStampCounter.MeasureKilohertz);
    private string? _program;

    public override string Name => "qemu";

    public override string Description => "a bare QEMU (microvm, emulated) that boots the same kernel up to its first program; start only";

    public override bool CarriesShells => false;

    public override bool HasMachines => true;

    public override string? Missing() => (_program = FindProgram("qemu-system-x86_64"), FindKernel(machineDirectory)) switch
    {
        (null, _) => "QEMU is not installed",
        (_, null) => $"{machineDirectory} has no kernel: run scripts/setup-microvm",
        _ => null,
    };

    /// <summary>The kernel that Porthole's setup has fetched; null for none.</summary>
    public static string? FindKernel(string machineDirectory)
    {
        var boot = Path.Combine(machineDirectory, "kernel/boot");
        return Directory.Exists(boot) ? Directory.EnumerateFiles(boot, "vmlinuz-*").FirstOrDefault() : null;
    }

    public override Terminal Open(int session, int shell)
    {
        // Built by the first server that starts a machine, which is another peer.
        var initial = Directory.EnumerateFiles(machineDirectory, "initrd-*").MaxBy(File.GetLastWriteTimeUtc)
            ?? throw new BenchException($"{machineDirectory} has no first file system yet: measure microvm as well");

        // Without this an emulated kernel on a busy host hangs now and then while it finds out itself (docs/decisions/0013).
        var counter = string.Create(CultureInfo.InvariantCulture, $"tsc=reliable tsc_early_khz={_timeStampKilohertz.Value}");
        return new ProgramTerminal(Child.OnTerminal(
            _program!, "-M", "microvm,acpi=on,rtc=on", "-accel", "tcg", "-cpu", "max", "-m", "512M", "-kernel", FindKernel(machineDirectory)!, "-initrd", initial,
            "-append", $"console=ttyS0 quiet reboot=t panic=-1 no_timer_check {counter} -- machine", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"));
    }

    public override void WaitUntilStarted(Terminal terminal) => ShellDialogue.WaitFor(terminal, Started);
}
