using System.Diagnostics;
using System.Globalization;

namespace Porthole.Sandboxes.Tests;

public sealed class LimitTests
{
    [Fact]
    public async Task A_fork_bomb_is_bounded_and_another_session_does_not_notice()
    {
        await using var driver = await TestDriver.CreateAsync();
        var bombed = await driver.StartAsync();
        var other = await driver.StartAsync();

        await bombed.OutputAsync("(bomb() { bomb | bomb & }; bomb) >/dev/null 2>&1 &");
        await Eventually.HoldsAsync(() => RefusedForks(bombed) > 0, "the bomb has spread to the limit");

        Assert.Equal("well", await other.OutputAsync("echo well | cat"));
        await bombed.KillAsync().InTime();
    }

    [Fact]
    public async Task Who_takes_too_much_memory_is_killed_and_the_session_lives_on()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();

        var (output, status) = await sandbox.RunAsync("perl -e '$x = \"x\" x (1 << 30); print length $x'");

        Assert.True(status == 137, $"{status}: {output}");
        Assert.Equal("alive", await sandbox.OutputAsync("echo alive"));
    }

    [Fact]
    public async Task Files_in_memory_count_too()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();

        var (output, status) = await sandbox.RunAsync("head -c 300000000 /dev/zero > /dev/shm/file");

        Assert.True(status == 1 && output.Contains("No space left"), $"{status}: {output}");
        Assert.Equal("alive", await sandbox.OutputAsync("rm /dev/shm/file; echo alive"));
    }

    [Fact]
    public async Task A_full_disk_is_the_sessions_own()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        var other = await driver.StartAsync();

        var (output, status) = await sandbox.RunAsync("head -c 1000000000 /dev/zero > /root/file");

        Assert.True(status == 1 && output.Contains("No space left"), $"{status}: {output}");
        Assert.True(await AllocatedAsync(sandbox.Directory) <= TestDriver.SmallLimits.DiskBytes * 1.1);
        Assert.Equal("well", await other.OutputAsync("head -c 1000000 /dev/zero > /root/file && echo well"));
        Assert.Equal("alive", await sandbox.OutputAsync("rm /root/file; echo x > /tmp/file; echo alive"));
    }

    [Fact]
    public async Task A_session_gets_its_share_of_the_processor_and_no_more()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync(driver.NewSpec() with { Limits = TestDriver.SmallLimits with { Cpus = 0.2 } });

        // Burns processor time, not clock time: under a quota the clock runs ahead of it.
        var started = Stopwatch.GetTimestamp();
        await sandbox.OutputAsync("perl -e '1 while (times)[0] < 0.5'");

        Assert.True(Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(1.5), "half a second of processor time at 0.2 processors");
    }

    [Fact]
    public async Task Programs_can_see_their_limits()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();

        var seen = await sandbox.OutputAsync("cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true");

        Assert.Equal(TestDriver.SmallLimits.MemoryBytes.ToString(CultureInfo.InvariantCulture), seen);
    }

    [Fact]
    public async Task Sessions_die_before_the_server_when_the_host_is_out_of_memory()
    {
        var sandbox = await SharedSandbox.GetAsync();
        Assert.Equal("500", await sandbox.OutputAsync("cat /proc/2/oom_score_adj"));
    }

    // "max N" in pids.events: how often the kernel said no.
    private static int RefusedForks(Sandbox sandbox) =>
        sandbox.State.Cgroups.Select(group => Path.Combine(group, "pids.events")).Where(File.Exists)
            .Select(file => int.Parse(File.ReadLines(file).First(line => line.StartsWith("max ", StringComparison.Ordinal))[4..], CultureInfo.InvariantCulture)).Max();

    private static async Task<long> AllocatedAsync(string directory)
    {
        using var du = Process.Start(new ProcessStartInfo("du", ["-s", "-B1", directory]) { RedirectStandardOutput = true })!;
        var text = await du.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        return long.Parse(text.Split('\t')[0], CultureInfo.InvariantCulture);
    }
}
