using System.Diagnostics;
using System.Diagnostics.Metrics;
using Porthole.Server.Sessions;
using Porthole.Server.Shells;

namespace Porthole.Server.Telemetry;

/// <summary>Metrics that are looked up when somebody asks, and the one that has to be probed for.</summary>
internal sealed class ServerGauges(SessionManager sessions, ShellTraffic traffic, RelayLoops loops, TimeProvider time)
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);

    /// <summary>Makes the instruments; once in a process.</summary>
    public void Begin()
    {
        var meter = Instruments.Meter;
        meter.CreateObservableUpDownCounter("porthole.sessions", CountSessions, "{session}", "Sessions there are, by state");
        meter.CreateObservableUpDownCounter("porthole.shells", CountShells, "{shell}", "Shells there are, attached or detached");
        meter.CreateObservableCounter("porthole.shell.io", CountBytes, "By", "Bytes typed into shells and printed by them");
    }

    /// <summary>Asks each relay loop, once a second, how long it lets new work wait. Until cancelled.</summary>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(ProbeInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            foreach (var loop in loops.All)
            {
                var posted = Stopwatch.GetTimestamp();
                loop.Events.Post(() => Instruments.RelayLag.Record(Stopwatch.GetElapsedTime(posted).TotalSeconds, new KeyValuePair<string, object?>("porthole.relay.loop", loop.Name)));
            }
        }
    }

    private IEnumerable<Measurement<int>> CountSessions()
    {
        var byState = sessions.List().GroupBy(session => session.State).ToDictionary(group => group.Key, group => group.Count());
        return Enum.GetValues<SessionState>().Where(static state => state != SessionState.Ended)
            .Select(state => new Measurement<int>(byState.GetValueOrDefault(state), Tag("porthole.session.state", state.ToString().ToLowerInvariant())));
    }

    private IEnumerable<Measurement<int>> CountShells()
    {
        var shells = sessions.List().SelectMany(session => session.Shells.List()).ToLookup(shell => shell.Attached);
        return [new(shells[true].Count(), Tag("porthole.shell.state", "attached")), new(shells[false].Count(), Tag("porthole.shell.state", "detached"))];
    }

    private IEnumerable<Measurement<long>> CountBytes()
    {
        var (received, sent) = traffic.Sum();
        return [new(received, Tag("porthole.io.direction", "in")), new(sent, Tag("porthole.io.direction", "out"))];
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
