using System.Globalization;

namespace Porthole.Bench.Reporting;

/// <summary>A promise about Porthole beside what this run measured.</summary>
/// <param name="Promise">In words.</param>
/// <param name="Measured">What was found, with the number it is compared to.</param>
/// <param name="Reached">Whether the promise holds.</param>
internal sealed record Target(string Promise, string Measured, bool Reached)
{
    private const string Porthole = "porthole";

    /// <summary>All promises for which this run has the numbers.</summary>
    public static List<Target> All(Results results)
    {
        Target?[] all =
        [
            AtMost("Echo, p50 at most 0.85 of OpenSSH's", results, Metrics.Echo, "openssh", s => s.Median, 0.85),
            AtMost("Echo, p99 no worse than OpenSSH's", results, Metrics.Echo, "openssh", s => s.P99, 1),
            AtMost("Typing, p50 at most 0.85 of OpenSSH's", results, Metrics.Typing, "openssh", s => s.Median, 0.85),
            AtMost("Typing, p99 no worse than OpenSSH's", results, Metrics.Typing, "openssh", s => s.P99, 1),
            AtMost("Typing beside a flood of the session, p50 no worse than OpenSSH's", results, Metrics.TypingFloodSame, "openssh", s => s.Median, 1),
            AtMost("Typing beside a flood of the session, p99 no worse than OpenSSH's", results, Metrics.TypingFloodSame, "openssh", s => s.P99, 1),
            AtMost("Typing beside floods of another session, p50 no worse than OpenSSH's", results, Metrics.TypingFloodOther, "openssh", s => s.Median, 1),
            AtMost("Typing beside floods of another session, p99 no worse than OpenSSH's", results, Metrics.TypingFloodOther, "openssh", s => s.P99, 1),
            Bulk("Bulk of 1 shell no less than the best relay's", results, Metrics.Bulk1, "openssh", "node-pty", "ttyd"),
            Bulk("Bulk of 10 shells no less than the best relay's", results, Metrics.Bulk10, "openssh", "node-pty", "ttyd"),
            Bulk("Bulk of 1 shell no less than a raw PTY's", results, Metrics.Bulk1, "raw"),
            Bulk("Bulk of 10 shells no less than raw PTYs'", results, Metrics.Bulk10, "raw"),
            AtMost("100 shells typing, p50 no worse than node-pty + ws", results, Metrics.Crowd, "node-pty", s => s.Median, 1),
            AtMost("100 shells typing, p99 no worse than node-pty + ws", results, Metrics.Crowd, "node-pty", s => s.P99, 1),
            Start(results),
            Machine("microVM from a template to its prompt at most 350 ms", results, Metrics.Start, "microvm", s => s.Median, 350),
            MachineRatio("microVM from a template at most a quarter of a cold start", results, Metrics.Start, "microvm", Metrics.StartCold, "microvm", s => s.Median, 0.25),
            MachineRatio("microVM from a template at most a quarter of a bare QEMU boot", results, Metrics.Start, "microvm", Metrics.Start, "qemu", s => s.Median, 0.25),
            Machine("microVM from the pool to its prompt at most 60 ms", results, Metrics.Start, "microvm-pool", s => s.Median, 60),
            Machine("microVM at most 60 MiB per session of 30", results, Metrics.SessionMemory30, "microvm", s => s.Median, 60),
            Machine("idle microVM at most 1 % of a core", results, Metrics.SessionIdle, "microvm", s => s.Median, 1),
            MachineRatio("microVM, echo p99 beside a flood at most twice the quiet one", results, Metrics.EchoFlooded, "microvm", Metrics.EchoQuiet, "microvm", s => s.P99, 2),
            Below("Guest at most 15 MiB resident", results, Metrics.GuestResident, 15 * 1024),
            Below("Guest at most 1 MiB per attached shell", results, Metrics.GuestAttached, 1024),
            Below("Guest at most 1 MiB per detached shell", results, Metrics.GuestDetached, 1024),
            Below("Gateway at most 64 KiB per attached shell", results, Metrics.GatewayAttached, 64),
            AtMost("Further aim: echo, p50 no worse than ttyd's", results, Metrics.Echo, "ttyd", s => s.Median, 1),
            AtMost("Further aim: typing, p50 no worse than ttyd's", results, Metrics.Typing, "ttyd", s => s.Median, 1),
        ];
        return [.. all.OfType<Target>()];
    }

    private static Target? AtMost(string promise, Results results, Metric metric, string other, Func<Summary, double> value, double limit)
    {
        if (results.Of(metric, Porthole) is not { } ours || results.Of(metric, other) is not { } theirs)
            return null;
        var ratio = value(ours) / value(theirs);
        return new(promise, Text($"{value(ours):0} of {value(theirs):0} {metric.Unit}: {ratio:0.000}"), ratio <= limit);
    }

    private static Target? Bulk(string promise, Results results, Metric metric, params string[] others)
    {
        var best = others.Select(peer => (Peer: peer, Rate: results.Of(metric, peer)?.Median ?? 0)).MaxBy(other => other.Rate);
        if (results.Of(metric, Porthole) is not { } ours || best.Rate == 0)
            return null;
        var ratio = ours.Median / best.Rate;
        return new(promise, Text($"{ours.Median:0} of {best.Rate:0} {metric.Unit} ({best.Peer}): {ratio:0.000}"), ratio >= 1);
    }

    private static Target? Start(Results results)
    {
        if (results.Of(Metrics.Start, Porthole) is not { } ours || results.Of(Metrics.Start, "bwrap") is not { } bare)
            return null;
        var more = ours.Median - bare.Median;
        return new("Start to first prompt at most a bare bwrap's + 40 ms", Text($"{ours.Median:0.0} after {bare.Median:0.0} ms: {more:+0.0;-0.0} ms"), more <= 40);
    }

    private static Target? Machine(string promise, Results results, Metric metric, string peer, Func<Summary, double> value, double limit) =>
        results.Of(metric, peer) is { } ours ? new(promise, Text($"{value(ours):0.0} {metric.Unit}"), value(ours) <= limit) : null;

    private static Target? MachineRatio(
        string promise, Results results, Metric metric, string peer, Metric otherMetric, string other, Func<Summary, double> value, double limit)
    {
        if (results.Of(metric, peer) is not { } ours || results.Of(otherMetric, other) is not { } theirs)
            return null;
        var ratio = value(ours) / value(theirs);
        return new(promise, Text($"{value(ours):0} of {value(theirs):0} {metric.Unit}: {ratio:0.000}"), ratio <= limit);
    }

    private static Target? Below(string promise, Results results, Metric metric, double limit) =>
        results.Of(metric, Porthole) is { } ours ? new(promise, Text($"{ours.Median:0} {metric.Unit}"), ours.Median <= limit) : null;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
