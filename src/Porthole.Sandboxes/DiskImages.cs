using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>
/// Makes the disks of sessions: sparse files with an empty ext4 file system as large as the session's disk limit.
/// One is formatted for each size (8 ms) and copied for each session (1 ms), holes as holes.
/// </summary>
internal sealed class DiskImages(EventLoop loop, string directory)
{
    // Without a journal: a session's disk is never mounted a second time. Tables are zero already, because the file is new.
    private static readonly string[] FormatOptions =
        ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-O", "^has_journal,^resize_inode"];

    /// <summary>Copies an empty disk of a size to a new file.</summary>
    /// <exception cref="SandboxException">The host's disk is full, or mkfs.ext4 is missing or failed.</exception>
    public async Task CreateAsync(string path, long bytes, CancellationToken cancel)
    {
        var template = Path.Combine(directory, $"empty-{bytes}.ext4");
        if (!File.Exists(template))
            await FormatAsync(template, bytes, cancel);
        try
        {
            SparseFile.Copy(template, path);
        }
        catch (IOException failure)
        {
            throw new SandboxException($"the session's disk could not be made ({failure.Message}): free space in {Path.GetDirectoryName(path)}", failure);
        }
    }

    private async Task FormatAsync(string template, long bytes, CancellationToken cancel)
    {
        var mkfs = HostTool.Find("mkfs.ext4") ?? throw new SandboxException("mkfs.ext4 is missing: install e2fsprogs");
        Directory.CreateDirectory(directory);

        // Two sessions may come here at once; each formats a file of its own, and the last one stays.
        var unfinished = $"{template}.{Guid.NewGuid():N}";
        try
        {
            await using (var file = File.Create(unfinished))
                file.SetLength(bytes);
            var (succeeded, output) = await HostCommand.RunAsync(loop, [mkfs, .. FormatOptions, unfinished], cancel);
            if (!succeeded)
                throw new SandboxException($"formatting a session disk of {bytes} bytes failed ({output}): free space in {directory}, or choose another disk limit");
            File.Move(unfinished, template, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
