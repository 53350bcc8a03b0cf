using Porthole.Bench.Peers;
using Porthole.Bench.Reporting;

namespace Porthole.Bench.Scenarios;

/// <summary>One byte to <c>cat</c> on a raw terminal and back, the next one at once.</summary>
internal sealed class EchoScenario : Scenario
{
    public override string Name => "echo";

    public override void Measure(Peer peer, Settings settings, Results results, CancellationToken stop) =>
        WithShells(peer, TimeSpan.FromSeconds(60), shells => Measure(peer, shells, settings, results), stop);

    private static void Measure(Peer peer, ShellSet shells, Settings settings, Results results)
    {
        var terminal = shells.Open(0, 0);
        ShellDialogue.BecomeEcho(terminal);
        var warmUp = settings.EchoBytes / 10;
        var samples = new double[settings.EchoBytes];
        ReadOnlySpan<byte> key = "x"u8;
        for (var i = -warmUp; i < samples.Length; i++)
        {
            var sent = Clock.Now;
            terminal.Write(key);
            while (!terminal.Read().Contains(key[0]))
            {
            }
            if (i >= 0)
                samples[i] = Clock.Microseconds(Clock.Now - sent);
        }
        results.Record(Metrics.Echo, peer.Name, samples);
    }
}
