using System.Globalization;

namespace Porthole.Bench.Peers;

/// <summary>Porthole with a virtual machine around each session, copied from a template when it is asked for or waiting already.</summary>
/// <param name="program">The porthole command.</param>
/// <param name="machineDirectory">What <c>scripts/setup-microvm</c> has made.</param>
/// <param name="waiting">How many machines wait for sessions.</param>
internal sealed class MicroVmPeer(string program, string machineDirectory, int waiting) : PortholePeer(program)
{
    // No other session has this number.
    private const int FirstSession = -1;

    private bool _hasShownNeed;

    public override string Name => waiting == 0 ? "microvm" : "microvm-pool";

    public override string Description => "porthole serve, microvm isolation, "
        + (waiting == 0 ? "machines copied from a template when a session needs them" : string.Create(CultureInfo.InvariantCulture, $"{waiting} machines waiting at the prompt"));

    public override bool HasMachines => true;

    protected override string Isolation => "microvm";

    // Small machines: what is measured does not depend on it.
    protected override string Settings => string.Create(CultureInfo.InvariantCulture,
        $$""","warmMicroVms":{{waiting}},"microVmDirectory":"{{machineDirectory}}","sandbox":{"cpus":1,"memoryBytes":536870912,"processes":512,"diskBytes":536870912}""");

    public override string? Missing() =>
        base.Missing() ?? (BareMachinePeer.FindKernel(machineDirectory) is null ? $"{machineDirectory} has no kernel: run scripts/setup-microvm" : null);

    /// <summary>Waits until as many machines wait as shall, and do nothing any more.</summary>
    public override void Settle()
    {
        if (waiting == 0)
            return;
        if (!_hasShownNeed)
            ShowNeed();
        var deadline = Clock.Now + 60 * Clock.Second;
        for (var (before, quiet) = (-1L, 0); quiet < 3;)
        {
            if (Clock.Now > deadline)
                throw new BenchException($"{Name}: the machines that shall wait are not ready");
            Native.SleepUntil(Clock.Now + Clock.Second / 4);
            var ready = Directory.Exists(MachinesDirectory) ? Directory.EnumerateDirectories(MachinesDirectory, "warm-*").Count() : 0;
            var ticks = ProcessTable.Descendants().Where(process => process.Name == MachineProcess).Sum(process => process.CpuTicks);
            quiet = ready >= waiting && ticks - before <= 2 ? quiet + 1 : 0;
            before = ticks;
        }
    }

    // A server makes machines ahead when a first session has shown that they are wanted.
    private void ShowNeed()
    {
        using var terminal = Open(FirstSession, 0);
        WaitUntilStarted(terminal);
        terminal.End();
        EndSession(FirstSession);
        _hasShownNeed = true;
    }
}
