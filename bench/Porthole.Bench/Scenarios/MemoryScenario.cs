using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;
using Porthole.Bench.Terminals;

namespace Porthole.Bench.Scenarios;

/// <summary>
/// What one more idle shell costs beside the shell itself: the server's processes with ten shells in each session against
/// the same with one, while attached and, where the peer can, while nobody is.
/// </summary>
internal sealed class MemoryScenario : Scenario
{
    public override string Name => "memory";

    public override bool AppliesTo(Peer peer) => base.AppliesTo(peer) && peer.ServerProcesses.Count > 0;

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(180), shells => Measure(peer, shells, settings, results), stop);

    private static void Measure(Peer peer, ShellSet shells, Settings settings, Results results)
    {
        var sessions = Enumerable.Range(0, settings.CrowdSessions).ToList();
        shells.OpenMany(sessions.Select(session => (session, 0)), ShellDialogue.BecomePlainBash);
        var one = Footprint.Of(peer);

        var more = sessions.SelectMany(session => Enumerable.Range(1, Settings.ShellsInSession - 1).Select(shell => (session, shell))).ToList();
        var opened = shells.OpenMany(more, ShellDialogue.BecomePlainBash);
        var attached = Footprint.Of(peer);
        Record(results, peer, (attached - one) / more.Count, Metrics.MemoryAttached, Metrics.GatewayAttached, Metrics.GuestAttached);
        results.Record(Metrics.MemoryAttachedPrivate, peer.Name, Kibibytes(((attached - one) / more.Count).All.Private));

        if (peer is not PortholePeer)
            return;
        results.Record(Metrics.GuestResident, peer.Name, Kibibytes(attached.LargestGuest));
        results.Record(Metrics.GatewayResident, peer.Name, Kibibytes(attached.Gateway.Resident));
        opened.ForEach(terminal => ((WebSocketTerminal)terminal).Detach());
        opened.ForEach(terminal => terminal.Dispose());
        Record(results, peer, (Footprint.Of(peer) - one) / more.Count, Metrics.MemoryDetached, Metrics.GatewayDetached, Metrics.GuestDetached);
        // Taken back, so that they are ended with the others and not only forgotten.
        shells.OpenMany(more, _ => { });
    }

    private static void Record(Results results, Peer peer, Footprint perShell, Metric all, Metric gateway, Metric guest)
    {
        results.Record(all, peer.Name, Kibibytes(perShell.All.Proportional));
        if (peer is not PortholePeer)
            return;
        results.Record(gateway, peer.Name, Kibibytes(perShell.Gateway.Private));
        results.Record(guest, peer.Name, Kibibytes(perShell.Guests.Private));
    }

    private static double Kibibytes(long bytes) => bytes / 1024.0;

    /// <summary>Memory of a peer's server processes; for Porthole also by part.</summary>
    private sealed record Footprint(ProcessMemory All, ProcessMemory Gateway, ProcessMemory Guests, long LargestGuest)
    {
        public static Footprint Of(Peer peer)
        {
            // What an opening leaves to be freed is not what an idle shell costs: let it settle.
            Native.SleepUntil(Clock.Now + Clock.Second / 2);
            peer.CollectGarbage();
            Native.SleepUntil(Clock.Now + Clock.Second / 2);
            ProcessMemory all = default, gateway = default, guests = default;
            long largest = 0;
            var descendants = ProcessTable.Descendants();
            foreach (var process in descendants.Where(process => peer.ServerProcesses.Contains(process.Name)))
            {
                var memory = ProcessTable.Memory(process.Pid)
                    ?? throw new BenchException($"the memory of {process.Name} ({process.Pid}) cannot be read; run as root");
                all += memory;
                if (process.Name == PortholePeer.GatewayProcess)
                    gateway += memory;
                else if (process.Name == PortholePeer.GuestProcess)
                    (guests, largest) = (guests + memory, Math.Max(largest, memory.Resident));
            }
            if (peer is PortholePeer && (gateway.Resident == 0 || guests.Resident == 0))
                throw new BenchException("gateway or guest was not found by name among " + string.Join(", ", descendants.Select(process => process.Name).Distinct()));
            return new(all, gateway, guests, largest);
        }

        public static Footprint operator -(Footprint a, Footprint b) =>
            new(a.All - b.All, a.Gateway - b.Gateway, a.Guests - b.Guests, a.LargestGuest - b.LargestGuest);

        public static Footprint operator /(Footprint a, int count) =>
            new(a.All / count, a.Gateway / count, a.Guests / count, a.LargestGuest / count);
    }
}
