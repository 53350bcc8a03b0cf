using Porthole.Posix;
using Porthole.Sandboxes.Machines;

namespace Porthole.Sandboxes.Tests.Images;

/// <summary>Unpacked images as disks for machines.</summary>
public sealed class ImageDiskTests : IAsyncLifetime
{
    private readonly TestStore _images = new();
    private readonly EventLoop _loop = new("image disks");
    private string _root = "";

    public async ValueTask InitializeAsync()
    {
        _loop.Start();
        _root = (await _images.PrepareAsync(_images.Layout(TestImage.Busybox().Layer(tar =>
        {
            tar.File("secret", "of root"u8.ToArray(), UnixFileMode.None);
            tar.File("setuid", "of the agent"u8.ToArray(), (UnixFileMode)0x9ED, owner: 1000);
        })))).RootDirectory!;
    }

    public async ValueTask DisposeAsync()
    {
        _loop.Stop();
        _loop.Join();
        _loop.Dispose();
        await _images.DisposeAsync();
    }

    [Fact]
    public async Task An_image_is_packed_once_with_owners_modes_and_links_and_goes_with_the_image()
    {
        var disks = Disks();
        var packed = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => disks.EnsureAsync(_root, TestContext.Current.CancellationToken))).InTime();
        var disk = Assert.Single(packed.Distinct());
        var stamp = File.GetLastWriteTimeUtc(disk);
        Assert.Equal(disk, await Disks().EnsureAsync(_root, TestContext.Current.CancellationToken));
        Assert.Equal(stamp, File.GetLastWriteTimeUtc(disk));
        Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(_root)!, "*.squashfs"));

        var (succeeded, listed) = await HostCommand.RunAsync(
            _loop, ["/usr/bin/unsquashfs", "-lln", disk, "home/agent", "setuid", "secret", "bin/sh"], TestContext.Current.CancellationToken).InTime();
        Assert.True(succeeded, listed);
        var agent = Environment.IsPrivilegedProcess ? "1000/1000" : "0/0";
        Assert.Matches($@"drwxr-xr-x {agent} [^;]*/home/agent", listed);
        Assert.Matches($@"-rws\S+ {agent} [^;]*/setuid", listed);
        Assert.Matches(@"---------- 0/0 +7 [^;]*/secret", listed);
        Assert.Contains("/bin/sh -> busybox", listed, StringComparison.Ordinal);

        await _images.Store.PruneAsync(new HashSet<string>(), TestContext.Current.CancellationToken);
        Assert.False(File.Exists(disk));
    }

    [Fact]
    public async Task On_a_full_disk_nothing_is_packed_and_the_reason_said_and_what_a_killed_server_left_is_gone()
    {
        var place = Path.GetDirectoryName(_root)!;
        await File.WriteAllTextAsync(Path.Combine(place, "packing-0123"), "half of it", TestContext.Current.CancellationToken);
        var failure = await Assert.ThrowsAsync<SandboxException>(() => Disks(minimumFree: long.MaxValue).EnsureAsync(_root, TestContext.Current.CancellationToken).InTime());
        Assert.Contains("free space there, or remove images with porthole image prune", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(place), file => !file.EndsWith("image.json", StringComparison.Ordinal));

        // It may be freed.
        Assert.True(File.Exists(await Disks().EnsureAsync(_root, TestContext.Current.CancellationToken).InTime()));
    }

    private ImageDisks Disks(long minimumFree = 0) => new(
        _loop, new SandboxOptions { CacheDirectory = _images.Root, MinimumFreeDiskBytes = minimumFree }, HostTool.Find("unshare")!);
}
