using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>One way to use a terminal, measured on one peer in one round.</summary>
internal abstract class Scenario
{
    /// <summary>The name in the options.</summary>
    public abstract string Name { get; }

    public virtual bool AppliesTo(Peer peer) => peer is { CarriesShells: true, HasMachines: false };

    public abstract void Measure(Peer peer, Settings settings, Results results, CancellationToken stop);

    /// <summary>Runs a measurement on a set of shells that is ended on every way out.</summary>
    /// <param name="peer">Gives the shells.</param>
    /// <param name="limit">Far more than a healthy peer needs, openings included.</param>
    /// <param name="measure">What to do with the shells.</param>
    /// <param name="stop">The person at the keyboard wants no more.</param>
    protected static void WithShells(Peer peer, TimeSpan limit, Action<ShellSet> measure, CancellationToken stop)
    {
        using var shells = new ShellSet(peer, limit, stop);
        try
        {
            measure(shells);
        }
        catch (TerminalEndedException e) when (shells.Verdict is { } verdict)
        {
            throw new BenchException($"{verdict}: {e.Message}");
        }
    }
}
