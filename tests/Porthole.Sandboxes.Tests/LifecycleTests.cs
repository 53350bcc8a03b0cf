using System.Globalization;
using Porthole.Posix;

namespace Porthole.Sandboxes.Tests;

public sealed class LifecycleTests
{
    [Fact]
    public async Task A_sandbox_answers_on_its_link_and_is_root_inside_and_nobody_outside()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();

        Assert.Equal("0", await sandbox.OutputAsync("id -u"));
        Assert.Equal("session-1", await sandbox.OutputAsync("hostname"));
        Assert.Contains("serve --listen-fd 3", await sandbox.OutputAsync("tr '\\0' ' ' < /proc/2/cmdline"));
        Assert.Contains($"Uid:\t{sandbox.UserId ?? Libc.GetEUid()}\t", File.ReadAllText($"/proc/{sandbox.InnerPid}/status"));
    }

    [Fact]
    public async Task Killing_a_sandbox_leaves_nothing_of_it()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        await sandbox.OutputAsync("sleep 1000 >/dev/null 2>&1 & echo started; touch /root/file");
        Assert.Null(await sandbox.Egress.InTime());

        var exit = await sandbox.KillAsync().InTime();

        Assert.True(exit.Requested);
        Assert.DoesNotContain(driver.Warnings, warning => warning.Contains(sandbox.Directory, StringComparison.Ordinal));
        Assert.False(Directory.Exists(sandbox.Directory));
        Assert.False(Directory.Exists($"/proc/{sandbox.InnerPid}"));
        Assert.False(Directory.Exists($"/proc/{sandbox.OuterPid}"));
        Assert.Empty(ProcessTable.Find(sandbox.State.Id));
    }

    [Fact]
    public async Task A_sandbox_whose_guest_ends_reports_how_and_leaves_nothing()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        var guest = int.Parse(File.ReadAllText($"/proc/{sandbox.InnerPid}/task/{sandbox.InnerPid}/children"), CultureInfo.InvariantCulture);
        using (var process = PidFd.TryOpen(guest)!)
            process.Signal(Libc.SIGTERM);

        var exit = await sandbox.Exited.InTime();

        Assert.False(exit.Requested);
        Assert.Contains("status 143", exit.Detail);
        Assert.False(Directory.Exists(sandbox.Directory));
    }

    [Fact]
    public async Task A_sandbox_outlives_its_driver_and_the_next_one_adopts_it()
    {
        await using var driver = await TestDriver.CreateAsync();
        var first = await driver.StartAsync();
        await first.OutputAsync("echo kept > /root/note");
        using var next = await SandboxDriver.CreateAsync(TestDriver.Options(driver.Root), TestContext.Current.CancellationToken);

        var adoption = await next.AdoptAsync(first.Directory).InTime();

        Assert.Null(adoption.Cleared);
        Assert.Equal("kept", await adoption.Sandbox!.OutputAsync("cat /root/note"));
        Assert.Equal(first.UserId, adoption.Sandbox!.UserId);
        await adoption.Sandbox!.KillAsync().InTime();
        Assert.False((await first.Exited.InTime()).Requested);
    }
}
