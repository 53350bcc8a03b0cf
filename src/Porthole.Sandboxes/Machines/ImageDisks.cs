using System.Collections.Concurrent;
using Porthole.Posix;
using Porthole.Sandboxes.Images;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// Unpacked images as disks that machines share and none can write. Each is packed when the first machine needs it, and lies beside the
/// directory that it was packed from, with which it is removed.
/// </summary>
internal sealed class ImageDisks(EventLoop loop, SandboxOptions options, string unshare)
{
    private const string Ending = ".squashfs", Unfinished = "packing-";

    // Of memory for packing; mksquashfs would take a quarter of the host's.
    private const string PackingMemory = "256M";

    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _underWay = new();

    /// <summary>The disk of a directory, packed when it is missing: for some hundred megabytes that takes some seconds.</summary>
    /// <param name="directory">A directory of an image, which is not changed any more.</param>
    /// <param name="cancel">Ends the wait; the packing goes on for others.</param>
    /// <exception cref="SandboxException">It could not be packed; the message says what to do.</exception>
    public async Task<string> EnsureAsync(string directory, CancellationToken cancel)
    {
        var disk = directory + Ending;
        if (File.Exists(disk))
            return disk;
        var mine = new Lazy<Task<string>>(() => Task.Run(() => PackAsync(directory, disk), CancellationToken.None));
        return await _underWay.GetOrAdd(directory, mine).Value.WaitAsync(cancel);
    }

    private async Task<string> PackAsync(string directory, string disk)
    {
        var place = Path.GetDirectoryName(directory)!;
        var result = Path.Combine(place, $"{Unfinished}{Guid.NewGuid():N}");
        try
        {
            // What a server left that was ended while it packed.
            foreach (var left in Directory.EnumerateFiles(place, Unfinished + "*"))
                File.Delete(left);
            options.Report($"packing {directory} for microVMs; its sessions wait for it, once");
            var (command, watch) = (Command(directory, result), Watch(result));
            watch();
            if (await new ImageTool(loop, command[0]).RunAsync(command[1..], place, null, watch, CancellationToken.None) is { } said)
                throw new SandboxException($"{directory} could not be packed for microVMs: {said}");
            Publish(result, disk);
            options.Report($"packed {directory}: {new FileInfo(disk).Length >> 20} MB");
            return disk;
        }
        catch (IOException failure)
        {
            throw new SandboxException($"{directory} could not be packed for microVMs: {failure.Message}", failure);
        }
        finally
        {
            File.Delete(result);
            _underWay.TryRemove(directory, out _);
        }
    }

    // Owners, modes, links and extended attributes stay as they are. To an ordinary user everything unpacked belongs; in a user namespace of its own
    // that is root, who may read what the image lets nobody read.
    private string[] Command(string directory, string result)
    {
        var mksquashfs = HostTool.Find("mksquashfs") ?? throw new SandboxException("mksquashfs is missing: install the package squashfs-tools");
        string[] asRoot = Environment.IsPrivilegedProcess ? [] : [unshare, "--user", "--map-root-user", "--"];
        return [.. asRoot, mksquashfs, directory, result, "-comp", "lz4", "-noappend", "-no-progress", "-quiet", "-mem", PackingMemory];
    }

    private Action Watch(string result)
    {
        var reportedAt = TimeProvider.System.GetTimestamp();
        return () =>
        {
            var free = HostLimits.FreeDisk(Path.GetDirectoryName(result)!);
            if (free < options.MinimumFreeDiskBytes)
            {
                throw new SandboxException(
                    $"an image cannot be packed for microVMs: only {free >> 20} MB are free in {Path.GetDirectoryName(result)}: "
                    + "free space there, or remove images with porthole image prune");
            }

            if (TimeProvider.System.GetElapsedTime(reportedAt) < ReportInterval)
                return;
            reportedAt = TimeProvider.System.GetTimestamp();
            options.Report($"packing: {(File.Exists(result) ? new FileInfo(result).Length >> 20 : 0)} MB written");
        };
    }

    // Whole and on the disk before anybody sees it. QEMU runs as nobody in particular.
    private static void Publish(string result, string disk)
    {
        const UnixFileMode readable = (UnixFileMode)0x124;
        using (var whole = new FileStream(result, FileMode.Open))
            whole.Flush(flushToDisk: true);
        File.SetUnixFileMode(result, readable);
        File.Move(result, disk, overwrite: true);
    }
}
