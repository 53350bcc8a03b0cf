namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>A file system of little room, in memory. Needs root.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly DirectoryInfo _mountPoint = Directory.CreateTempSubdirectory("porthole-e2e-");

    private SmallDisk()
    {
    }

    /// <summary>A directory on it.</summary>
    public string Path => System.IO.Path.Combine(_mountPoint.FullName, "root");

    public static async Task<SmallDisk> MountAsync(int megabytes)
    {
        var disk = new SmallDisk();
        await RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", disk._mountPoint.FullName);
        Directory.CreateDirectory(disk.Path);
        return disk;
    }

    /// <summary>Writes a file that takes the room but for a rest.</summary>
    /// <returns>The file, for whoever wants the room back.</returns>
    public string Fill(int leaveMegabytes)
    {
        var path = System.IO.Path.Combine(_mountPoint.FullName, Guid.NewGuid().ToString("N"));
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        var free = new DriveInfo(_mountPoint.FullName);
        var block = new byte[4096];
        while (free.AvailableFreeSpace > (long)leaveMegabytes << 20)
            file.Write(block.AsSpan(0, (int)Math.Min(block.Length, free.AvailableFreeSpace)));
        return path;
    }

    public void Dispose()
    {
        RunAsync("umount", _mountPoint.FullName).GetAwaiter().GetResult();
        _mountPoint.Delete();
    }

    private static async Task RunAsync(params string[] command)
    {
        var (exitCode, _, errors) = await PortholeProgram.RunProgramAsync(null, command);
        Assert.True(exitCode == 0, $"{string.Join(' ', command)}: {errors}");
    }
}
