using Porthole.Posix;

namespace Porthole.Sandboxes.Tests;

/// <summary>What the next server finds, and what it makes of it.</summary>
public sealed class AdoptionTests
{
    [Fact]
    public async Task What_runs_is_adopted_with_all_it_has()
    {
        await using var driver = await TestDriver.CreateAsync();
        var first = await driver.StartAsync();
        Assert.Null(await first.Egress.InTime());
        await first.OutputAsync("echo kept > /root/note");
        driver.Abandon();
        using var next = await SandboxDriver.CreateAsync(TestDriver.Options(driver.Root), TestContext.Current.CancellationToken);

        var adoption = await next.AdoptAsync(first.Directory).InTime();

        var sandbox = adoption.Sandbox!;
        Assert.Null(adoption.Cleared);
        Assert.Equal("kept", await sandbox.OutputAsync("cat /root/note"));
        Assert.Equal((first.UserId, first.InnerPid, first.OuterPid), (sandbox.UserId, sandbox.InnerPid, sandbox.OuterPid));
        Assert.Equal(first.Limits, sandbox.Limits);
        Assert.Null(await sandbox.Egress.InTime());
        Assert.True((await sandbox.KillAsync().InTime()).Requested);
        AssertNothingLeft(first);
    }

    [Fact]
    public async Task What_ended_meanwhile_is_cleared()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        driver.Abandon();
        using (var inner = PidFd.TryOpen(sandbox.InnerPid)!)
            inner.Signal(Libc.SIGKILL);
        await Eventually.HoldsAsync(() => !Directory.Exists($"/proc/{sandbox.InnerPid}"), "the sandbox has ended");

        await AssertClearedAsync(driver, sandbox, "its processes have ended");
    }

    [Fact]
    public async Task What_was_not_fully_started_is_ended_and_cleared()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        driver.Abandon();
        (sandbox.State with { Outer = null, Inner = null, Network = null }).Write(sandbox.Directory);

        await AssertClearedAsync(driver, sandbox, "it was not fully started");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"version\":1,\"id\":\"ab")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    public async Task A_state_of_which_a_part_was_written_is_cleared(string state)
    {
        await using var driver = await TestDriver.CreateAsync();
        var directory = Directory.CreateDirectory(Path.Combine(driver.Root, "sessions", "half")).FullName;
        await File.WriteAllTextAsync(Path.Combine(directory, "state.json"), state, TestContext.Current.CancellationToken);

        var adoption = await driver.Driver.AdoptAsync(directory).InTime();

        Assert.Equal((null, "its state is missing or half-written"), (adoption.Sandbox, adoption.Cleared));
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task Processes_that_have_its_numbers_by_now_are_left_alone()
    {
        await using var driver = await TestDriver.CreateAsync();
        var us = ProcessIdentity.Of(Environment.ProcessId)!;
        var state = new SandboxState(SandboxState.CurrentVersion, "0123", SandboxState.CurrentBootId, "host", TestDriver.SmallLimits, false, null,
            us with { StartTime = us.StartTime - 1 }, us with { StartTime = us.StartTime + 1 }, null, []);
        var directory = Directory.CreateDirectory(Path.Combine(driver.Root, "sessions", "reused")).FullName;
        state.Write(directory);

        var adoption = await driver.Driver.AdoptAsync(directory).InTime();

        Assert.Equal((null, "its processes have ended"), (adoption.Sandbox, adoption.Cleared));
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task What_an_earlier_boot_left_is_cleared_without_a_look_at_its_processes()
    {
        await using var driver = await TestDriver.CreateAsync();
        var us = ProcessIdentity.Of(Environment.ProcessId)!;
        var state = new SandboxState(SandboxState.CurrentVersion, "0123", "another boot", "host", TestDriver.SmallLimits, false, null, us, us, null, ["/sys/fs/cgroup"]);
        var directory = Directory.CreateDirectory(Path.Combine(driver.Root, "sessions", "rebooted")).FullName;
        state.Write(directory);

        var adoption = await driver.Driver.AdoptAsync(directory).InTime();

        Assert.Equal((null, "the host has been restarted"), (adoption.Sandbox, adoption.Cleared));
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task A_network_that_died_with_the_server_is_brought_up_again()
    {
        await using var driver = await TestDriver.CreateAsync();
        var first = await driver.StartAsync();
        Assert.Null(await first.Egress.InTime());
        driver.Abandon();
        using (var network = PidFd.TryOpen(first.State.Network!.Pid)!)
            network.Signal(Libc.SIGKILL);
        await Eventually.HoldsAsync(() => ProcessTable.Find(first.State.Id).Count() == 2, "slirp4netns has ended");
        using var next = await SandboxDriver.CreateAsync(TestDriver.Options(driver.Root), TestContext.Current.CancellationToken);

        var sandbox = (await next.AdoptAsync(first.Directory).InTime()).Sandbox!;

        await Eventually.HoldsAsync(() => sandbox.State.Network != first.State.Network, "there is a new slirp4netns");
        Assert.Equal(sandbox.State.Network, SandboxState.TryRead(first.Directory)!.Network);
        Assert.Contains("tap0", await sandbox.OutputAsync("until grep tap0 /proc/net/dev; do :; done"));
        await sandbox.KillAsync().InTime();
    }

    private static async Task AssertClearedAsync(TestDriver driver, Sandbox sandbox, string why)
    {
        using var next = await SandboxDriver.CreateAsync(TestDriver.Options(driver.Root), TestContext.Current.CancellationToken);
        var adoption = await next.AdoptAsync(sandbox.Directory).InTime();
        Assert.Equal((null, why), (adoption.Sandbox, adoption.Cleared));
        AssertNothingLeft(sandbox);
    }

    private static void AssertNothingLeft(Sandbox sandbox)
    {
        Assert.Empty(ProcessTable.Find(sandbox.State.Id));
        Assert.False(Directory.Exists(sandbox.Directory));
        Assert.All(sandbox.State.Cgroups, group => Assert.False(Directory.Exists(group), group));
    }
}
