using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// Makes the disks of sessions: sparse files with an ext4 file system as large as the session's disk limit, which holds the first files.
/// One is formatted for each size (15 ms) and copied for each session (1 ms), holes as holes.
/// </summary>
internal sealed class DiskImages
{
    private const long ProbeBytes = 16 << 20;

    // Tables are zero already, because the file is new.
    private static readonly string[] FormatOptions = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1"];

    // Without a journal: a session's disk is never mounted a second time.
    private static readonly string[] FormatOnce = ["-O", "^has_journal,^resize_inode"], FormatLasting = ["-O", "^resize_inode"];

    private readonly EventLoop _loop;
    private readonly string _directory;

    private readonly string _files;

    private DiskImages(EventLoop loop, string directory, string files) => (_loop, _directory, _files) = (loop, directory, files);

    /// <summary>Tries whether this server can mount such disks; null, with a warning, when sessions must write to directories.</summary>
    public static async Task<DiskImages?> TryCreateAsync(EventLoop loop, SandboxOptions options, SessionFiles files, string mountPoint, CancellationToken cancel)
    {
        // Those of an earlier run hold its files.
        var directory = Path.Combine(options.CacheDirectory, "disks");
        DirectoryRemover.Remove(directory);
        var disks = new DiskImages(loop, directory, files.Directory);
        var problem = await disks.ProblemAsync(options, mountPoint, cancel);
        if (problem is null)
            return disks;
        options.Warn($"sessions have no disks of their own ({problem}): only the size of each single file is limited, not what a session writes in all");
        return null;
    }

    /// <summary>Disks that start empty, and that somebody else mounts.</summary>
    public static DiskImages Empty(EventLoop loop, string cacheDirectory)
    {
        var files = Directory.CreateDirectory(Path.Combine(cacheDirectory, "no-files")).FullName;
        var directory = Path.Combine(cacheDirectory, "empty-disks");
        DirectoryRemover.Remove(directory);
        Directory.CreateDirectory(directory);
        return new DiskImages(loop, directory, files);
    }

    /// <summary>Copies a disk of a size to a new file.</summary>
    /// <param name="path">The new file.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="hasFiles">Whether it holds the first files of sessions on the host's tools; otherwise it is empty.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <exception cref="SandboxException">The host's disk is full, or mkfs.ext4 is missing or failed.</exception>
    public async Task CreateAsync(string path, long bytes, bool hasFiles, CancellationToken cancel)
    {
        var template = Path.Combine(_directory, hasFiles ? $"{bytes}.ext4" : $"{bytes}-empty.ext4");
        if (!File.Exists(template))
            await FormatAsync(template, bytes, hasFiles ? [.. FormatOnce, "-d", _files] : FormatOnce, cancel);
        try
        {
            SparseFile.Copy(template, path);
        }
        catch (IOException failure)
        {
            throw new SandboxException($"the session's disk could not be made ({failure.Message}): free space in {Path.GetDirectoryName(path)}", failure);
        }
    }

    /// <summary>Makes an empty disk that is mounted again and again, and survives a host that fails meanwhile.</summary>
    /// <exception cref="SandboxException">As above.</exception>
    public Task CreateLastingAsync(string path, long bytes, CancellationToken cancel) => FormatAsync(path, bytes, FormatLasting, cancel);

    private async Task<string?> ProblemAsync(SandboxOptions options, string mountPoint, CancellationToken cancel)
    {
        if (!Environment.IsPrivilegedProcess)
            return "only root can mount them";
        Directory.CreateDirectory(_directory);
        var probe = Path.Combine(_directory, $"probe-{Guid.NewGuid():N}.ext4");
        try
        {
            await CreateAsync(probe, ProbeBytes, hasFiles: true, cancel);
            var plan = new LaunchPlan().PrivateMounts().Tmpfs(mountPoint).MountImage(probe, $"{mountPoint}/disk").Exec("/bin/true");
            var (succeeded, output) = await HostCommand.RunAsync(_loop, [options.LaunchPath, .. plan.Arguments.Skip(1)], cancel);
            return succeeded ? null : output;
        }
        catch (SandboxException failure)
        {
            return failure.Message;
        }
        finally
        {
            File.Delete(probe);
        }
    }

    private async Task FormatAsync(string template, long bytes, string[] options, CancellationToken cancel)
    {
        var mkfs = HostTool.Find("mkfs.ext4") ?? throw new SandboxException("mkfs.ext4 is missing: install the package e2fsprogs");
        Directory.CreateDirectory(Path.GetDirectoryName(template)!);

        // Two sessions may come here at once; each formats a file of its own, and the last one stays.
        var unfinished = $"{template}.{Guid.NewGuid():N}";
        try
        {
            await using (var file = File.Create(unfinished))
                file.SetLength(bytes);
            var (succeeded, output) = await HostCommand.RunAsync(_loop, [mkfs, .. FormatOptions, .. options, unfinished], cancel);
            if (!succeeded)
                throw new SandboxException($"formatting a session disk of {bytes} bytes failed ({output}): free space in {_directory}, or choose another disk limit");
            File.Move(unfinished, template, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or ArgumentOutOfRangeException)
        {
            throw new SandboxException($"a session disk of {bytes} bytes cannot be made ({failure.Message}): free space in {_directory}, or choose another disk limit", failure);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
