using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;
using Porthole.Bench.Terminals;

namespace Porthole.Bench.Scenarios;

/// <summary>Echo in one session while another one prints 200 MB, read as fast as they come; and just before, when it does not.</summary>
internal sealed class FloodedEchoScenario : Scenario
{
    private const int QuietSamples = 400, FewestSamples = 20;

    public override string Name => "echo-flooded";

    public override bool AppliesTo(Peer peer) => peer is PortholePeer and not MicroVmPeer { Name: "microvm-pool" };

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(300), shells => Measure(peer, shells, settings, results), stop);

    private static void Measure(Peer peer, ShellSet shells, Settings settings, Results results)
    {
        var terminal = shells.Open(0, 0);
        ShellDialogue.BecomeEcho(terminal);
        var flood = shells.Open(1, 0);
        ShellDialogue.BecomePlainBash(flood);
        List<double> quiet = [], flooded = [];
        while (quiet.Count < QuietSamples)
            quiet.Add(Sample(terminal));
        ShellDialogue.StartFlood(flood);
        var counter = shells.ReadInBackground(flood);
        while (counter.Bytes < settings.FloodBytes)
            flooded.Add(Sample(terminal));
        if (flooded.Count < FewestSamples)
            throw new BenchException($"only {flooded.Count} bytes came back during the flood");
        results.Record(Metrics.EchoQuiet, peer.Name, [.. quiet]);
        results.Record(Metrics.EchoFlooded, peer.Name, [.. flooded]);
    }

    // With a pause, so that it is no second flood.
    private static double Sample(Terminal terminal)
    {
        Native.SleepUntil(Clock.Now + 5 * Clock.Millisecond);
        return EchoScenario.RoundTrip(terminal);
    }
}
