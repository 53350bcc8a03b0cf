namespace Porthole.Sandboxes.Tests;

/// <summary>Starts that go wrong: each says why and leaves nothing.</summary>
public sealed class FailureTests
{
    [Fact]
    public async Task A_missing_guest_is_named_before_anything_starts()
    {
        var failure = await Assert.ThrowsAsync<SandboxException>(() => TestDriver.CreateAsync(options => options with { GuestPath = "/nonexistent/guest" }));
        Assert.Contains("/nonexistent/guest is missing", failure.Message);
    }

    [Theory]
    [InlineData("#!/bin/sh\necho the guest is unwell >&2\nexit 3\n", "status 3: the guest is unwell")]
    [InlineData("#!/nonexistent/interpreter\n", "execvp")]
    [InlineData("neither script nor program", "status 127")]
    public async Task A_guest_that_ends_at_once_is_reported_with_its_words(string guest, string expected)
    {
        await using var driver = await CreateAsync(guest);
        var spec = driver.NewSpec();

        var failure = await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(spec));

        Assert.Contains(expected, failure.Message);
        AssertNothingLeft(driver, spec);
    }

    [Fact]
    public async Task A_guest_that_says_nothing_is_given_up()
    {
        await using var driver = await CreateAsync("#!/bin/sh\nexec sleep 1000\n", TimeSpan.FromMilliseconds(300));
        var spec = driver.NewSpec();

        var failure = await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(spec));

        Assert.Contains("said nothing for 0.3 s", failure.Message);
        AssertNothingLeft(driver, spec);
    }

    [Fact]
    public async Task Who_does_not_want_to_wait_any_more_leaves_nothing()
    {
        await using var driver = await CreateAsync("#!/bin/sh\nexec sleep 1000\n");
        var spec = driver.NewSpec();
        using var cancel = new CancellationTokenSource();

        var start = driver.Driver.StartAsync(spec, cancel.Token);
        await Eventually.HoldsAsync(() => File.Exists(Path.Combine(spec.Directory, "link.sock")), "the start is under way");
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.InTime());
        AssertNothingLeft(driver, spec);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("line\nbreak")]
    [InlineData("-option")]
    [InlineData("_first")]
    [InlineData("a234567890123456789012345678901234567890123456789012345678901234x")]
    public async Task A_host_name_that_is_none_is_refused(string name)
    {
        await using var driver = await TestDriver.CreateAsync();
        var spec = driver.NewSpec() with { HostName = name };
        Assert.Contains("host name", (await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(spec))).Message);
        AssertNothingLeft(driver, spec);
    }

    [Fact]
    public async Task Limits_that_nothing_can_live_in_are_refused()
    {
        await using var driver = await TestDriver.CreateAsync();
        foreach (var limits in (SandboxLimits[])[
            TestDriver.SmallLimits with { Cpus = 0 }, TestDriver.SmallLimits with { Cpus = double.NaN }, TestDriver.SmallLimits with { MemoryBytes = 1 },
            TestDriver.SmallLimits with { DiskBytes = -1 }, TestDriver.SmallLimits with { Processes = 3 }])
        {
            Assert.Contains("too low", (await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(driver.NewSpec() with { Limits = limits }))).Message);
        }
    }

    [Fact]
    public async Task A_host_whose_disk_is_nearly_full_starts_nothing()
    {
        await using var driver = await TestDriver.CreateAsync(options => options with { MinimumFreeDiskBytes = long.MaxValue });
        var spec = driver.NewSpec();
        Assert.Contains("free space there", (await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(spec))).Message);
        AssertNothingLeft(driver, spec);
    }

    [Fact]
    public async Task A_disk_larger_than_files_may_be_is_refused()
    {
        await using var driver = await TestDriver.CreateAsync();
        var spec = driver.NewSpec() with { Limits = TestDriver.SmallLimits with { DiskBytes = long.MaxValue } };
        if (Environment.IsPrivilegedProcess)
            Assert.Contains("disk", (await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(spec))).Message);
        AssertNothingLeft(driver, spec);
    }

    [Fact]
    public async Task The_servers_umask_is_not_the_sessions()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        Assert.Equal("0022", await sandbox.OutputAsync("umask"));
    }

    [Fact]
    public async Task A_directory_that_is_taken_is_refused_and_its_sandbox_unharmed()
    {
        await using var driver = await TestDriver.CreateAsync();
        var spec = driver.NewSpec();
        var sandbox = await driver.StartAsync(spec);

        Assert.Contains("adopt it first", (await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(spec))).Message);

        Assert.Equal("alive", await sandbox.OutputAsync("echo alive"));
    }

    [Fact]
    public async Task A_sandbox_that_has_ended_cannot_be_connected_to()
    {
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync();
        await sandbox.KillAsync().InTime();
        await Assert.ThrowsAsync<SandboxException>(async () => await sandbox.ConnectAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Twelve_sandboxes_at_once_get_along()
    {
        await using var driver = await TestDriver.CreateAsync();

        // An ordinary user's processes are counted over all sessions.
        var limits = TestDriver.SmallLimits with { Processes = 1000 };
        var sandboxes = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => driver.StartAsync(driver.NewSpec() with { Limits = limits }))).InTime();

        var names = await Task.WhenAll(sandboxes.Select(sandbox => sandbox.OutputAsync("hostname")));
        Assert.Equal(12, names.Distinct().Count());
        if (Environment.IsPrivilegedProcess)
            Assert.Equal(12, sandboxes.Select(sandbox => sandbox.UserId).Distinct().Count());
        await Task.WhenAll(sandboxes.Select(sandbox => sandbox.KillAsync())).InTime();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(driver.Root, "sessions")));
    }

    private static Task<TestDriver> CreateAsync(string guest, TimeSpan? timeout = null) => TestDriver.CreateAsync(options =>
    {
        Directory.CreateDirectory(options.CacheDirectory);
        var path = Path.Combine(Path.GetDirectoryName(options.CacheDirectory)!, "guest");
        File.WriteAllText(path, guest);
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        return options with { GuestPath = path, StartTimeout = timeout ?? options.StartTimeout };
    });

    private static void AssertNothingLeft(TestDriver driver, SandboxSpec spec)
    {
        Assert.False(Directory.Exists(spec.Directory));
        Assert.DoesNotContain(Directory.EnumerateFiles("/proc", "mountinfo").SelectMany(File.ReadLines), line => line.Contains(driver.Root, StringComparison.Ordinal));
    }
}
