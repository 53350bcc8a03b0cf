using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>The first session of a server that has just been started: for machines, with the template that all others are copied from.</summary>
internal sealed class ColdStartScenario : Scenario
{
    private const int Session = 900;

    public override string Name => Metrics.StartCold.Key;

    public override bool AppliesTo(Peer peer) => peer is PortholePeer and not MicroVmPeer { Name: "microvm-pool" };

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop)
    {
        ((PortholePeer)peer).Restart();
        WithShells(peer, TimeSpan.FromSeconds(120), shells => results.Record(Metrics.StartCold, peer.Name, StartScenario.TimeToPrompt(peer, shells, Session, 0)), stop);
    }
}
