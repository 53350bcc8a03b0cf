namespace Porthole.Bench.Reporting;

/// <summary>What a peer reached in one metric over all rounds.</summary>
/// <param name="Median">Median of the rounds' medians, so that one disturbed round does not decide.</param>
/// <param name="P99">99th percentile of the samples of all rounds together: a round alone has too few.</param>
/// <param name="Lowest">The lowest median of a round.</param>
/// <param name="Highest">The highest median of a round.</param>
/// <param name="Samples">In all rounds.</param>
internal sealed record Summary(double Median, double P99, double Lowest, double Highest, int Samples);

/// <summary>All samples of a run, by metric and peer.</summary>
internal sealed class Results
{
    private readonly Dictionary<(Metric Metric, string Peer), List<double[]>> _rounds = [];
    private readonly Dictionary<(string Scenario, string Peer, string Message), int> _failures = [];

    /// <summary>Measurements that gave no result, with how often.</summary>
    public IReadOnlyDictionary<(string Scenario, string Peer, string Message), int> Failures => _failures;

    public void Record(Metric metric, string peer, params double[] samples)
    {
        if (samples.Length == 0)
            return;
        Array.Sort(samples);
        if (!_rounds.TryGetValue((metric, peer), out var rounds))
            _rounds[(metric, peer)] = rounds = [];
        rounds.Add(samples);
    }

    public void Fail(string scenario, string peer, string message) =>
        _failures[(scenario, peer, message)] = _failures.GetValueOrDefault((scenario, peer, message)) + 1;

    public Summary? Of(Metric metric, string peer)
    {
        if (!_rounds.TryGetValue((metric, peer), out var rounds))
            return null;
        double[] medians = [.. rounds.Select(round => Percentile(round, 0.5)).Order()];
        double[] all = [.. rounds.SelectMany(round => round).Order()];
        return new(Percentile(medians, 0.5), Percentile(all, 0.99), medians[0], medians[^1], all.Length);
    }

    public bool Has(Metric metric) => _rounds.Keys.Any(key => key.Metric == metric);

    private static double Percentile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        int below = (int)place, above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
