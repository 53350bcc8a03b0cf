namespace Porthole.Sandboxes.Tests.Images;

/// <summary>A file system of limited size, on a loop device of the test's own.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly string _root = System.IO.Directory.CreateTempSubdirectory("porthole-disk-").FullName;

    public string Directory => Path.Combine(_root, "mounted");

    public static async Task<SmallDisk> CreateAsync(long bytes)
    {
        var disk = new SmallDisk();
        var file = Path.Combine(disk._root, "disk.ext4");
        await using (var stream = File.Create(file))
            stream.SetLength(bytes);
        System.IO.Directory.CreateDirectory(disk.Directory);
        await TestRegistry.RunAsync("mkfs.ext4", ["-q", "-F", "-m", "0", "-O", "^has_journal", file]);
        await TestRegistry.RunAsync("mount", ["-o", "loop", file, disk.Directory]);
        return disk;
    }

    public async ValueTask DisposeAsync()
    {
        await TestRegistry.RunAsync("umount", [Directory]);
        System.IO.Directory.Delete(_root, recursive: true);
    }
}
