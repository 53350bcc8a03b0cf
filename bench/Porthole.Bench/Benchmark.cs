using System.Globalization;
using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;
using Porthole.Bench.Scenarios;

namespace Porthole.Bench;

/// <summary>Runs every scenario on every peer, round after round, so that a change of the machine's mood hits all of them.</summary>
internal sealed class Benchmark(IReadOnlyList<Scenario> scenarios, IReadOnlyList<Peer> peers, Settings settings, int rounds)
{
    private readonly Results _results = new();

    public Report Run(string workDirectory, CancellationToken stop)
    {
        foreach (var peer in peers)
        {
            Say($"starting {peer.Name}");
            peer.Start(workDirectory);
        }
        var (began, loadBefore) = (DateTimeOffset.UtcNow, Machine.Load());
        for (var round = 0; round < rounds; round++)
            foreach (var scenario in scenarios)
                // Nobody is always first, or always right after the same neighbour.
                for (var i = 0; i < peers.Count; i++)
                    Measure(scenario, peers[(i + round) % peers.Count], round, stop);
        var conditions = string.Create(CultureInfo.InvariantCulture, $"""
            {Machine.Describe()}. {began:yyyy-MM-dd HH:mm} UTC, {rounds} interleaved rounds in {(DateTimeOffset.UtcNow - began).TotalMinutes:0} minutes;
            load average {loadBefore:0.00} before the first round, {Machine.Load():0.00} after the last.
            p50 is the median of the rounds' medians, p99 is over the samples of all rounds.

            """);
        return new Report(_results, peers, conditions);
    }

    private void Measure(Scenario scenario, Peer peer, int round, CancellationToken stop)
    {
        if (!scenario.AppliesTo(peer))
            return;
        stop.ThrowIfCancellationRequested();
        Say($"round {round + 1} of {rounds}: {scenario.Name} on {peer.Name}");
        try
        {
            scenario.Measure(peer, settings, _results, stop);
        }
        catch (BenchException e)
        {
            stop.ThrowIfCancellationRequested();
            // One peer that fails one scenario is a result; the others go on.
            Say($"  trouble: {e.Message}");
            _results.Fail(scenario.Name, peer.Name, e.Message);
        }
    }

    private static void Say(string text) => Console.Error.WriteLine(text);
}
