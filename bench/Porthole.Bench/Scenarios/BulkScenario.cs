using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>Shells of one session print lines as fast as they are read; what arrives in a window is counted, with the CPU time.</summary>
internal sealed class BulkScenario(int shellCount, Metric rate, Metric cpu) : Scenario
{
    public static readonly BulkScenario One = new(1, Metrics.Bulk1, Metrics.Bulk1Cpu);

    public static readonly BulkScenario Ten = new(10, Metrics.Bulk10, Metrics.Bulk10Cpu);

    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(0.5);

    public override string Name => rate.Key;

    public override bool AppliesTo(Peer peer) => peer.CarriesShells && (shellCount == 1 || !peer.HasMachines);

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(60), shells => Measure(peer, shells, settings, results), stop);

    private void Measure(Peer peer, ShellSet shells, Settings settings, Results results)
    {
        var counters = shells.OpenMany(Enumerable.Range(0, shellCount).Select(shell => (0, shell)), ShellDialogue.BecomeFlood)
            .Select(shells.ReadInBackground).ToList();
        Sleep(s_settle);

        var processes = ServerTicks(peer);
        var (bytes, from) = (counters.Sum(counter => counter.Bytes), Clock.Now);
        Sleep(settings.BulkTime);
        bytes = counters.Sum(counter => counter.Bytes) - bytes;
        var seconds = (Clock.Now - from) / (double)Clock.Second;
        var ticks = ServerTicks(peer).Sum(now => now.Value - processes.GetValueOrDefault(now.Key));

        if (bytes == 0)
            throw new BenchException("nothing arrived");
        var megabytes = bytes / 1e6;
        results.Record(rate, peer.Name, megabytes / seconds);
        if (peer.ServerProcesses.Count > 0)
            results.Record(cpu, peer.Name, ticks * 10 / megabytes);
    }

    private static Dictionary<int, long> ServerTicks(Peer peer) =>
        ProcessTable.Descendants().Where(process => peer.ServerProcesses.Contains(process.Name)).ToDictionary(process => process.Pid, process => process.CpuTicks);

    private static void Sleep(TimeSpan time) => Native.SleepUntil(Clock.Now + (long)time.TotalMilliseconds * Clock.Millisecond);
}
