using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>
/// What a session with a shell at its prompt costs the host: proportional memory of all its processes, whatever they are, with 1, 10 and 30
/// sessions; and the processor time of those that are idle.
/// </summary>
internal sealed class SessionMemoryScenario : Scenario
{
    private static readonly (int Sessions, Metric Metric)[] s_steps = [(1, Metrics.SessionMemory1), (10, Metrics.SessionMemory10), (30, Metrics.SessionMemory30)];

    public override string Name => "session-memory";

    public override bool AppliesTo(Peer peer) => peer is PortholePeer and not MicroVmPeer { Name: "microvm-pool" };

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(300), shells => Measure(peer, shells, results), stop);

    private static void Measure(Peer peer, ShellSet shells, Results results)
    {
        var nothing = Proportional();
        var opened = 0;
        foreach (var (sessions, metric) in s_steps)
        {
            for (; opened < sessions; opened++)
                peer.WaitUntilStarted(shells.Open(opened, 0));
            Native.SleepUntil(Clock.Now + Clock.Second);
            results.Record(metric, peer.Name, (Proportional() - nothing) / 1024.0 / 1024.0 / sessions);
        }

        const int seconds = 5;
        var before = Ticks();
        Native.SleepUntil(Clock.Now + seconds * Clock.Second);

        // A tick is a hundredth of a second.
        results.Record(Metrics.SessionIdle, peer.Name, (Ticks() - before) / (double)seconds / opened);
    }

    private static long Proportional() => Processes().Sum(process => ProcessTable.Memory(process.Pid)?.Proportional ?? 0);

    private static long Ticks() => Processes().Sum(process => process.CpuTicks);

    private static IEnumerable<ProcessEntry> Processes() => ProcessTable.Descendants().Where(process => process.Name != PortholePeer.GatewayProcess);
}
