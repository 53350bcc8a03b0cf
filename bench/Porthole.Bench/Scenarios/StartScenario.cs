using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>From asking for a shell in a session that does not exist yet to its prompt; then one more shell in that session.</summary>
internal sealed class StartScenario : Scenario
{
    private static int s_session = 1_000;

    public override string Name => "start";

    public override bool AppliesTo(Peer peer) => true;

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop)
    {
        var sessions = new double[settings.Starts];
        var more = new double[settings.Starts];
        for (var i = 0; i < settings.Starts; i++)
        {
            var (start, session) = (i, s_session++);
            peer.Settle();
            WithShells(peer, TimeSpan.FromSeconds(60), shells =>
            {
                sessions[start] = TimeToPrompt(peer, shells, session, 0);
                more[start] = peer.CarriesShells ? TimeToPrompt(peer, shells, session, 1) : 0;
            }, stop);
        }
        results.Record(Metrics.Start, peer.Name, sessions);
        if (peer.CarriesShells)
            results.Record(Metrics.StartShell, peer.Name, more);
    }

    /// <summary>Milliseconds from asking for a shell to its prompt.</summary>
    internal static double TimeToPrompt(Peer peer, ShellSet shells, int session, int shell)
    {
        var asked = Clock.Now;
        peer.WaitUntilStarted(shells.Open(session, shell));
        return Clock.Milliseconds(Clock.Now - asked);
    }
}
