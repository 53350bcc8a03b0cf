using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>One person types into bash at 20 keys a second, alone or beside shells that print without end.</summary>
internal sealed class TypingScenario(Metric metric, Func<Settings, IEnumerable<(int Session, int Shell)>> floods) : Scenario
{
    public static readonly TypingScenario Alone = new(Metrics.Typing, _ => []);

    public static readonly TypingScenario FloodInSession = new(Metrics.TypingFloodSame, _ => [(0, 1)]);

    public static readonly TypingScenario FloodInOtherSession =
        new(Metrics.TypingFloodOther, settings => Enumerable.Range(0, settings.OtherFloods).Select(shell => (1, shell)));

    public override string Name => metric.Key;

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(60), shells => Measure(peer, shells, settings, results), stop);

    private void Measure(Peer peer, ShellSet shells, Settings settings, Results results)
    {
        var terminal = shells.Open(0, 0);
        ShellDialogue.BecomePlainBash(terminal);
        var flooding = shells.OpenMany(floods(settings), ShellDialogue.BecomeFlood).Select(shells.ReadInBackground).ToList();

        var typist = new Typist(terminal, settings.TypedKeys, Clock.Now + Clock.Second / 2);
        while (!typist.Finished)
        {
            Native.SleepUntil(typist.Due);
            typist.Press();
            while (typist.Waiting)
                typist.Look();
        }
        // A megabyte is nothing for a flood that ran for seconds, and more than one that stood still had buffered.
        if (flooding.Any(counter => counter.Bytes < 1_000_000))
            throw new BenchException("a flood stood still while the keys were timed");
        results.Record(metric, peer.Name, typist.Samples);
    }
}
