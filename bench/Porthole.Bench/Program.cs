using System.CommandLine;
using System.Runtime.InteropServices;
using Porthole.Bench;
using Porthole.Bench.Peers;
using Porthole.Bench.Scenarios;

Scenario[] allScenarios =
[
    new EchoScenario(), TypingScenario.Alone, TypingScenario.FloodInSession, TypingScenario.FloodInOtherSession,
    BulkScenario.One, BulkScenario.Ten, new CrowdScenario(), new StartScenario(), new MemoryScenario(),
    new ColdStartScenario(), new SessionMemoryScenario(), new FloodedEchoScenario(),
];
string[] allPeers = ["raw", "bwrap", "openssh", "node-pty", "ttyd", "porthole", "microvm", "microvm-pool", "qemu"];
string[] machinePeers = ["porthole", "microvm", "microvm-pool", "qemu"], machineScenarios = ["start", "start-cold", "session-memory", "echo", "echo-flooded", "bulk-1"];

var scenarioOption = new Option<string[]>("--scenario", "-s")
{
    Description = $"Measure only these (repeat or list them): {string.Join(", ", allScenarios.Select(scenario => scenario.Name))}",
    HelpName = "name",
    AllowMultipleArgumentsPerToken = true,
};
scenarioOption.AcceptOnlyFromAmong([.. allScenarios.Select(scenario => scenario.Name)]);
var peerOption = new Option<string[]>("--peer", "-p")
{
    Description = $"Measure only these (repeat or list them): {string.Join(", ", allPeers)}. Without it all that can run here, but microVMs",
    HelpName = "name",
    AllowMultipleArgumentsPerToken = true,
};
peerOption.AcceptOnlyFromAmong(allPeers);
var onlyOption = new Option<string?>("--only") { Description = "Measure one subject alone: microvm, beside namespaces and a bare QEMU", HelpName = "subject" };
onlyOption.AcceptOnlyFromAmong("microvm");
var roundsOption = new Option<int>("--rounds", "-r") { Description = "Interleaved rounds", DefaultValueFactory = _ => 5 };
roundsOption.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < 1)
        result.AddError("--rounds must be at least 1");
});
var quickOption = new Option<bool>("--quick") { Description = "Short measurements and a crowd of 20: shows that all works, not how fast" };
var outputOption = new Option<string>("--output", "-o")
{
    Description = "Markdown file; what stands between its bench marks is replaced, the rest is kept",
    DefaultValueFactory = _ => "out/bench/performance.md",
};
var portholeOption = new Option<string>("--porthole") { Description = "The porthole command to measure", DefaultValueFactory = _ => "out/porthole" };
var workOption = new Option<string>("--work-directory")
{
    Description = "An empty directory for keys, logs and data; whoever made it removes it",
    Required = true,
    Hidden = true,
};
var nodeOption = new Option<string>("--node-directory")
{
    Description = "Where the packages of bench/peers/node-pty are installed",
    DefaultValueFactory = _ => "out/bench/node-pty",
    Hidden = true,
};

var command = new RootCommand("Measures Porthole, with namespaces and with microVMs, beside a raw PTY, OpenSSH, node-pty + ws and, where installed, ttyd.")
{
    scenarioOption, peerOption, onlyOption, roundsOption, quickOption, outputOption, portholeOption, workOption, nodeOption,
};
command.SetAction(parsed =>
{
    var ofMachines = parsed.GetValue(onlyOption) is not null;
    var wanted = parsed.GetValue(scenarioOption) is { Length: > 0 } chosen ? chosen : ofMachines ? machineScenarios : null;
    var scenarios = allScenarios.Where(scenario => wanted?.Contains(scenario.Name) != false).ToList();
    var program = Path.GetFullPath(parsed.GetValue(portholeOption)!);
    var machines = Path.Combine(Path.GetDirectoryName(program)!, "microvm");
    List<Peer> peers =
    [
        new RawPeer(), new BubblewrapPeer(), new OpenSshPeer(), new NodePtyPeer(Path.GetFullPath(parsed.GetValue(nodeOption)!)), new TtydPeer(),
        new PortholePeer(program), new MicroVmPeer(program, machines, 0), new MicroVmPeer(program, machines, 2), new BareMachinePeer(machines),
    ];
    var named = parsed.GetValue(peerOption) is { Length: > 0 } names ? names : ofMachines ? machinePeers : null;
    peers.RemoveAll(peer => named?.Contains(peer.Name) == false || !scenarios.Any(scenario => scenario.AppliesTo(peer)));

    // Waiting machines and their server would be counted with the others' processes, and run beside them.
    if (named is null)
        peers.RemoveAll(static peer => peer is MicroVmPeer or BareMachinePeer);
    foreach (var peer in peers.ToList())
    {
        if (peer.Missing() is not { } reason)
            continue;
        if (named is not null)
        {
            Console.Error.WriteLine($"{peer.Name} cannot run: {reason}");
            return 2;
        }
        Console.Error.WriteLine($"without {peer.Name}: {reason}");
        peers.Remove(peer);
    }
    var settings = parsed.GetValue(quickOption) ? Settings.Quick : Settings.Full;
    return Run(new Benchmark(scenarios, peers, settings, parsed.GetValue(roundsOption)), peers, Directory.CreateDirectory(Path.GetFullPath(parsed.GetValue(workOption)!)), parsed.GetValue(outputOption)!);
});
return command.Parse(args).Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null });

static int Run(Benchmark benchmark, List<Peer> peers, DirectoryInfo work, string output)
{
    Native.AdoptOrphans();
    // An unprivileged sandbox user has to reach what is bound into it; keys lie in a directory of their own.
    File.SetUnixFileMode(work.FullName, (UnixFileMode)0b111_101_101);
    Child.Home = work.CreateSubdirectory("home").FullName;
    using var stop = new CancellationTokenSource();
    void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        stop.Cancel();
    }
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);
    try
    {
        var report = benchmark.Run(work.FullName, stop.Token);
        Console.WriteLine(report.ToMarkdown());
        report.WriteTo(output);
        Console.Error.WriteLine($"written to {output}");
        return 0;
    }
    catch (BenchException e)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("stopped");
        return 130;
    }
    finally
    {
        try
        {
            peers.ForEach(peer => peer.Stop());
        }
        finally
        {
            Cleanup.EndEverything();
        }
    }
}
