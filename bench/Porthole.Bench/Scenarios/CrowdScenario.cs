using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>Many people type at once: 10 sessions of 10 shells, each at 20 keys a second, their keys spread over the interval.</summary>
internal sealed class CrowdScenario : Scenario
{
    public override string Name => "crowd";

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(180), shells => Measure(peer, shells, settings, results), stop);

    private static void Measure(Peer peer, ShellSet shells, Settings settings, Results results)
    {
        var count = settings.CrowdSessions * Settings.ShellsInSession;
        var terminals = shells.OpenMany(
            Enumerable.Range(0, count).Select(i => (i / Settings.ShellsInSession, i % Settings.ShellsInSession)), ShellDialogue.BecomePlainBash);
        var start = Clock.Now + Clock.Second / 2;
        var typists = terminals.Select((terminal, i) => new Typist(terminal, settings.CrowdKeys, start + i * Settings.KeyInterval / count)).ToArray();
        TypeAll(typists);
        results.Record(Metrics.Crowd, peer.Name, [.. typists.SelectMany(typist => typist.Samples)]);
    }

    /// <summary>One thread for all: a hundred driver threads would measure their own queue for the two cores.</summary>
    private static void TypeAll(Typist[] typists)
    {
        var wait = typists.Select(typist => new Native.PollDescriptor { Descriptor = typist.Terminal.ReadDescriptor, Events = Native.POLLIN }).ToArray();
        while (true)
        {
            var next = long.MaxValue;
            var finished = true;
            foreach (var typist in typists)
            {
                finished &= typist.Finished;
                if (typist.Finished || typist.Waiting)
                    continue;
                if (typist.Due <= Clock.Now)
                    typist.Press();
                if (!typist.Waiting)
                    next = Math.Min(next, typist.Due);
            }
            if (finished)
                return;
            if (!Native.WaitReadable(wait, Math.Min(next - Clock.Now, Clock.Second)))
                continue;
            for (var i = 0; i < wait.Length; i++)
                if (wait[i].Results != 0)
                    typists[i].Look();
        }
    }
}
