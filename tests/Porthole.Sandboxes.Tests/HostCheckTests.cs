namespace Porthole.Sandboxes.Tests;

public sealed class HostCheckTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("porthole-checks-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task A_host_that_runs_these_tests_fails_no_check()
    {
        var checks = await HostChecks.RunAsync(TestDriver.Options(_root), TestContext.Current.CancellationToken).InTime();
        Assert.All(checks, check => Assert.True(check.Status != HostCheckStatus.Fail, check.ToString()));
        Assert.All(checks, check => Assert.True(check.Status == HostCheckStatus.Ok || check.Advice is not null, check.ToString()));
        Assert.Equal(checks.Count, checks.Select(check => check.Name).Distinct().Count());
    }

    [Fact]
    public async Task Missing_programs_are_a_failure_with_advice()
    {
        var checks = await HostChecks.RunAsync(TestDriver.Options(_root) with { GuestPath = "/nonexistent" }, TestContext.Current.CancellationToken).InTime();
        var failed = Assert.Single(checks, check => check.Status == HostCheckStatus.Fail);
        Assert.Equal(("programs", "run make build"), (failed.Name, failed.Advice));
    }

    [Fact]
    public void Default_limits_fit_the_host()
    {
        var limits = HostLimits.Default(_root);
        Assert.InRange(limits.Cpus, 1, 2);
        Assert.InRange(limits.MemoryBytes, 16 << 20, 8L << 30);
        Assert.InRange(limits.DiskBytes, 16 << 20, 10L << 30);
    }
}
