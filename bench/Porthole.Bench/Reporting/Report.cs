using System.Globalization;
using System.Text;
using Porthole.Bench.Peers;

namespace Porthole.Bench.Reporting;

/// <summary>A run as Markdown, and its place in a document that people also write in.</summary>
internal sealed class Report(Results results, IReadOnlyList<Peer> peers, string conditions)
{
    private const string Begin = "<!-- bench:begin (bench/run writes from here) -->";
    private const string End = "<!-- bench:end -->";

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append(conditions).Append('\n');
        foreach (var peer in peers)
            text.Append(CultureInfo.InvariantCulture, $"- **{peer.Name}**: {peer.Description}\n");
        Targets(text);
        foreach (var metric in new[] { Metrics.Echo, Metrics.Typing, Metrics.TypingFloodSame, Metrics.TypingFloodOther, Metrics.Crowd })
            Latency(text, metric);
        Values(text, "Bulk output", Metrics.Bulk1, Metrics.Bulk10, Metrics.Bulk1Cpu, Metrics.Bulk10Cpu);
        foreach (var metric in new[] { Metrics.Start, Metrics.StartShell, Metrics.StartCold, Metrics.EchoQuiet, Metrics.EchoFlooded })
            Latency(text, metric);
        Values(text, "Memory of an idle shell beside the shell itself", Metrics.MemoryAttached, Metrics.MemoryAttachedPrivate, Metrics.MemoryDetached);
        Values(text, "The same by part", Metrics.GatewayAttached, Metrics.GatewayDetached, Metrics.GuestAttached, Metrics.GuestDetached,
            Metrics.GuestResident, Metrics.GatewayResident);
        Values(text, "What a session with a shell at its prompt costs the host", Metrics.SessionMemory1, Metrics.SessionMemory10, Metrics.SessionMemory30, Metrics.SessionIdle);
        Failures(text);
        return text.ToString();
    }

    /// <summary>Replaces the part between the marks; a file without them, or none, gets the report at its end.</summary>
    public void WriteTo(string file)
    {
        var old = File.Exists(file) ? File.ReadAllText(file) : "# Performance\n\n";
        int begin = old.IndexOf(Begin, StringComparison.Ordinal), end = old.IndexOf(End, StringComparison.Ordinal);
        var (before, after) = begin >= 0 && end > begin ? (old[..begin], old[(end + End.Length)..]) : (old, "\n");
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } directory)
            Directory.CreateDirectory(directory);
        File.WriteAllText(file, $"{before}{Begin}\n\n{ToMarkdown()}\n{End}{after}");
    }

    private void Targets(StringBuilder text)
    {
        var targets = Target.All(results);
        if (targets.Count == 0)
            return;
        var table = new MarkdownTable("Target", "Measured", "Reached");
        foreach (var target in targets)
            table.Add(target.Promise, target.Measured, target.Reached ? "yes" : "**no**");
        Section(text, "Targets", table);
    }

    private void Latency(StringBuilder text, Metric metric)
    {
        if (!results.Has(metric))
            return;
        var yardstick = results.Of(metric, "openssh");
        var table = new MarkdownTable("Peer", $"p50 {metric.Unit}", $"p99 {metric.Unit}", "p50 of the rounds", "p50 / OpenSSH", "p99 / OpenSSH", "samples");
        foreach (var (peer, summary) in Measured(metric))
            table.Add(peer, Number(summary.Median), Number(summary.P99), $"{Number(summary.Lowest)} to {Number(summary.Highest)}",
                Ratio(summary.Median, yardstick?.Median), Ratio(summary.P99, yardstick?.P99), summary.Samples.ToString(CultureInfo.InvariantCulture));
        Section(text, metric.Title, table);
    }

    private void Values(StringBuilder text, string title, params Metric[] metrics)
    {
        var shown = metrics.Where(results.Has).ToList();
        if (shown.Count == 0)
            return;
        var table = new MarkdownTable(["Peer", .. shown.Select(metric => $"{metric.Title}, {metric.Unit}")]);
        foreach (var peer in peers.Select(peer => peer.Name).Where(peer => shown.Any(metric => results.Of(metric, peer) is not null)))
            table.Add([peer, .. shown.Select(metric => results.Of(metric, peer) is { } summary ? WithSpread(summary) : "")]);
        Section(text, title, table);
    }

    private void Failures(StringBuilder text)
    {
        if (results.Failures.Count == 0)
            return;
        text.Append("\n### Trouble\n\n");
        foreach (var ((scenario, peer, message), count) in results.Failures)
            text.Append(CultureInfo.InvariantCulture, $"- {scenario} on {peer}, {count} of the rounds: {message.ReplaceLineEndings(" ")}\n");
    }

    private static void Section(StringBuilder text, string title, MarkdownTable table) =>
        text.Append(CultureInfo.InvariantCulture, $"\n### {title}\n\n{table}");

    private IEnumerable<(string Peer, Summary Summary)> Measured(Metric metric) =>
        peers.Select(peer => (peer.Name, results.Of(metric, peer.Name))).Where(row => row.Item2 is not null).Select(row => (row.Name, row.Item2!));

    private static string WithSpread(Summary summary) =>
        summary.Samples == 1 ? Number(summary.Median) : $"{Number(summary.Median)} ({Number(summary.Lowest)} to {Number(summary.Highest)})";

    private static string Number(double value) => value.ToString(Math.Abs(value) < 10 ? "0.00" : Math.Abs(value) < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    private static string Ratio(double value, double? yardstick) =>
        yardstick is { } other ? (value / other).ToString("0.00", CultureInfo.InvariantCulture) : "";
}
