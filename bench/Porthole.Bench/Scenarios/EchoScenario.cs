using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;
using Porthole.Bench.Terminals;

namespace Porthole.Bench.Scenarios;

/// <summary>One byte to <c>cat</c> on a raw terminal and back, the next one at once.</summary>
internal sealed class EchoScenario : Scenario
{
    public override string Name => "echo";

    public override bool AppliesTo(Peer peer) => peer.CarriesShells;

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(60), shells => Measure(peer, shells, settings, results), stop);

    private static void Measure(Peer peer, ShellSet shells, Settings settings, Results results)
    {
        var terminal = shells.Open(0, 0);
        ShellDialogue.BecomeEcho(terminal);
        var warmUp = settings.EchoBytes / 10;
        var samples = new double[settings.EchoBytes];
        for (var i = -warmUp; i < samples.Length; i++)
        {
            var taken = RoundTrip(terminal);
            if (i >= 0)
                samples[i] = taken;
        }
        results.Record(Metrics.Echo, peer.Name, samples);
    }

    /// <summary>Microseconds until a byte has come back.</summary>
    internal static double RoundTrip(Terminal terminal)
    {
        ReadOnlySpan<byte> key = "x"u8;
        var sent = Clock.Now;
        terminal.Write(key);
        while (!terminal.Read().Contains(key[0]))
        {
        }
        return Clock.Microseconds(Clock.Now - sent);
    }
}
