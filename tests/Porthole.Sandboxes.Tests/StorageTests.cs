using Porthole.Posix;
using Porthole.Sandboxes.Tests.Images;

namespace Porthole.Sandboxes.Tests;

/// <summary>Storage that outlives the sandbox that wrote it.</summary>
public sealed class StorageTests
{
    private const long Bytes = 32 << 20;

    // F_DUPFD_CLOEXEC of fcntl(2).
    private const int DuplicateCloseOnExec = 1030;

    private static SandboxMount Mount(string root, string name = "kept") => new(Path.Combine(Directory.CreateDirectory(Path.Combine(root, "storage")).FullName, name), "/mnt/data", Bytes);

    [Fact]
    public async Task What_is_stored_comes_back_in_the_next_sandbox_and_belongs_to_root_there()
    {
        await using var driver = await TestDriver.CreateAsync();
        var first = await driver.StartAsync(driver.NewSpec() with { Mounts = [Mount(driver.Root)] });
        await first.OutputAsync("echo one > /mnt/data/file && mkdir /mnt/data/directory && echo gone > /tmp/file");
        await first.KillAsync().InTime();

        var second = await driver.StartAsync(driver.NewSpec() with { Mounts = [Mount(driver.Root)] });
        Assert.Equal("one", await second.OutputAsync("cat /mnt/data/file && echo two >> /mnt/data/file"));
        Assert.Equal("directory\nfile", await second.OutputAsync("ls /mnt/data"));
        Assert.Equal("0:0 0:0", await second.OutputAsync("stat -c %u:%g /mnt/data/file /mnt/data/directory | tr '\\n' ' '").ContinueWith(text => text.Result.Trim()));
        await second.OutputAsync("[ ! -e /tmp/file ]");
    }

    [Fact]
    public async Task Storage_goes_from_the_hosts_tools_to_an_image_and_back()
    {
        await using var session = await ImageSession.CreateAsync();
        var mount = Mount(session.Driver.Root);
        var first = await session.StartAsync(TestImage.Busybox(), spec => spec with { Mounts = [mount] });
        await ImageSession.OutputAsync(first, "echo one > /mnt/data/file; touch /mnt/data/agents; chown 1000 /mnt/data/agents || true");
        await first.KillAsync().InTime();

        var second = await session.Driver.StartAsync(session.Driver.NewSpec() with { Mounts = [mount] });
        Assert.Equal("one", await ImageSession.OutputAsync(second, "cat /mnt/data/file"));
        await second.KillAsync().InTime();

        var third = await session.StartAsync(TestImage.Busybox(), spec => spec with { Mounts = [mount] });
        Assert.Equal(Environment.IsPrivilegedProcess ? "0 1000" : "0 0", await ImageSession.OutputAsync(third, "echo $(stat -c %u /mnt/data/file /mnt/data/agents)"));
    }

    [Fact]
    public async Task Storage_has_a_limit_of_its_own()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        await using var driver = await TestDriver.CreateAsync();
        var sandbox = await driver.StartAsync(driver.NewSpec() with { Mounts = [Mount(driver.Root)] });
        var (output, status) = await sandbox.RunAsync("dd if=/dev/zero of=/mnt/data/big bs=1M count=64 2>&1");
        Assert.True(status != 0 && output.Contains("No space left", StringComparison.Ordinal), output);
        await sandbox.OutputAsync("echo fits > /tmp/elsewhere");
    }

    [Fact]
    public async Task Two_sandboxes_at_once_cannot_have_the_same_storage()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        await using var driver = await TestDriver.CreateAsync();
        await driver.StartAsync(driver.NewSpec() with { Mounts = [Mount(driver.Root)] });
        var failure = await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(driver.NewSpec() with { Mounts = [Mount(driver.Root)] }));
        Assert.Contains("for this session alone", failure.Message);
    }

    [Fact]
    public async Task A_machine_has_storage_alone_for_as_long_as_anybody_has_what_was_opened_for_it()
    {
        var root = Directory.CreateTempSubdirectory("porthole-storage-");
        try
        {
            var mount = Mount(root.FullName);
            await File.WriteAllBytesAsync(StorageDisk.PathOf(mount), new byte[1], TestContext.Current.CancellationToken);
            var first = await StorageDisk.OpenAsync(mount, TestContext.Current.CancellationToken);
            using (var inherited = new Descriptor(Libc.Fcntl(first.Number, DuplicateCloseOnExec, 0)))
            {
                first.Dispose();
                var failure = await Assert.ThrowsAsync<SandboxException>(() => StorageDisk.OpenAsync(mount, TestContext.Current.CancellationToken));
                Assert.Contains("for this session alone", failure.Message, StringComparison.Ordinal);
            }

            (await StorageDisk.OpenAsync(mount, TestContext.Current.CancellationToken)).Dispose();
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("mnt/data")]
    [InlineData("/mnt/../etc")]
    [InlineData("/mnt/a b")]
    [InlineData("/")]
    public async Task A_place_that_is_none_is_refused(string target)
    {
        await using var driver = await TestDriver.CreateAsync();
        var failure = await Assert.ThrowsAsync<SandboxException>(() => driver.StartAsync(driver.NewSpec() with { Mounts = [Mount(driver.Root) with { Target = target }] }));
        Assert.Contains("place for storage", failure.Message);
    }
}
