using System.Globalization;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>Many microVMs at once. Takes minutes without hardware virtualisation, so only <c>make test-microvm</c> runs it.</summary>
public sealed class MicroVmCrowdTests
{
    private const int Machines = 30;

    // Proportional, in MiB: measured 57 with 30 of them, emulated. One that was booted by itself has more than 200.
    private const int MostMemory = 66;

    // Of a core, with the load that the rest of a test run makes: 0.6 % when nothing else runs.
    private const double MostProcessor = 0.02;

    [Fact]
    public async Task Thirty_machines_with_a_shell_each_live_beside_each_other_and_cost_little()
    {
        Assert.SkipUnless(MicroVms.IsSubject, "make test-microvm runs it");
        await using var server = await TestServer.StartAsync($"{MicroVms.Settings}, \"warmMicroVms\": 0");
        var shells = new List<ShellClient>();
        try
        {
            for (var i = 0; i < Machines; i++)
                shells.Add(await ShellClient.OpenAsync(server));
            foreach (var shell in shells)
                await shell.ReadUntilAsync("# ");

            var emulators = Leftovers.SandboxIds(server.DataDirectory).SelectMany(Leftovers.ProcessesOf).SelectMany(ChildrenOf).Where(IsEmulator).Distinct().ToList();
            Assert.Equal(Machines, emulators.Count);
            var memory = emulators.Sum(ProportionalMegabytes) / Machines;
            var (before, time) = (emulators.Sum(Ticks), TimeProvider.System.GetTimestamp());
            await Task.Delay(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
            var processor = (emulators.Sum(Ticks) - before) / 100.0 / TimeProvider.System.GetElapsedTime(time).TotalSeconds / Machines;
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{memory:0.0} MiB, {processor:0.0000} of a core each"));
            Assert.InRange(memory, 1, MostMemory);
            Assert.InRange(processor, 0, MostProcessor);

            var drawn = new HashSet<string>();
            foreach (var shell in shells)
            {
                await shell.QuietAsync();
                Assert.True(drawn.Add(await shell.RunAsync("head -c 32 /dev/urandom | base64 -w0; echo; cat /proc/sys/kernel/random/boot_id")), "two machines drew the same random numbers");
            }
        }
        finally
        {
            shells.ForEach(static shell => shell.Dispose());
        }
    }

    private static IEnumerable<int> ChildrenOf(int pid) => File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(static child => int.Parse(child, CultureInfo.InvariantCulture));

    private static bool IsEmulator(int pid) => File.ReadAllText($"/proc/{pid}/comm").StartsWith("qemu-system", StringComparison.Ordinal);

    private static double ProportionalMegabytes(int pid) => File.ReadLines($"/proc/{pid}/smaps_rollup").Where(static line => line.StartsWith("Pss:", StringComparison.Ordinal))
        .Sum(static line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture)) / 1024.0;

    // User and system time, fields 14 and 15 of proc_pid_stat(5), in hundredths of a second.
    private static long Ticks(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }
}
