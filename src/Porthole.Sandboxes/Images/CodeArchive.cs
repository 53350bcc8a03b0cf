using System.IO.Compression;

namespace Porthole.Sandboxes.Images;

/// <summary>Unpacks zips that come from strangers: nothing is written outside of the target, and sizes are counted while they are written.</summary>
internal static class CodeArchive
{
    // The limits of AgentCore for code (service quotas, direct code deployment).
    private const long MaximumZippedBytes = 250L << 20, MaximumUnzippedBytes = 750L << 20;

    // Several times what the largest trees of node_modules have.
    private const int MaximumEntries = 200_000;

    // The upper half of a zip's external attributes is st_mode where it was made on Unix (inode(7)).
    private const int ModeShift = 16;
    private const uint TypeMask = 0xF000, SymbolicLink = 0xA000, ExecutableMask = 0x49;

    private const UnixFileMode Executable = (UnixFileMode)0x1ED, Plain = (UnixFileMode)0x1A4;

    /// <summary>Refuses an archive that is missing or too large.</summary>
    /// <exception cref="ImageException">It is.</exception>
    public static void CheckSize(string archive)
    {
        var file = new FileInfo(archive);
        if (!file.Exists)
            throw new ImageException($"{archive} does not exist on the server's machine");
        if (file.Length > MaximumZippedBytes)
            throw new ImageException($"{archive} has {file.Length >> 20} MB, and code may have {MaximumZippedBytes >> 20} MB zipped");
    }

    /// <summary>Unpacks an archive to a new directory.</summary>
    /// <exception cref="ImageException">It is malformed, hostile or too large.</exception>
    public static void Unpack(string archive, string target, CancellationToken cancel)
    {
        try
        {
            using var zip = ZipFile.OpenRead(archive);
            if (zip.Entries.Count > MaximumEntries)
                throw new ImageException($"{archive} has {zip.Entries.Count} entries, and code may have {MaximumEntries}");
            Directory.CreateDirectory(target);
            var links = new List<(string Path, string Target)>();
            var left = MaximumUnzippedBytes;
            foreach (var entry in zip.Entries)
            {
                cancel.ThrowIfCancellationRequested();
                var path = Place(archive, target, entry.FullName);
                var mode = (uint)entry.ExternalAttributes >> ModeShift;
                if (entry.FullName.EndsWith('/'))
                    Directory.CreateDirectory(path);
                else if ((mode & TypeMask) == SymbolicLink)
                    links.Add((path, ReadLink(entry)));
                else
                    left = Write(archive, entry, path, (mode & ExecutableMask) != 0 ? Executable : Plain, left);
            }

            // Last, so that no file is written through one. They are followed inside of sessions only.
            foreach (var (path, _) in links)
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            MakeReadable(target);
            foreach (var (path, destination) in links)
                File.CreateSymbolicLink(path, destination);
        }
        catch (Exception malformed) when (malformed is InvalidDataException or IOException { HResult: not DiskFull } and not FileNotFoundException)
        {
            throw new ImageException($"{archive} is no zip that can be unpacked: {malformed.Message}", malformed);
        }
    }

    // ENOSPC of errno(3), as .NET gives it.
    private const int DiskFull = 28;

    private static string Place(string archive, string target, string name)
    {
        var path = Path.GetFullPath(Path.Combine(target, name));
        return name.Length > 0 && name[0] != '/' && path.StartsWith(target + "/", StringComparison.Ordinal) && !name.Contains('\\') && !name.Contains('\0')
            ? path.TrimEnd('/')
            : throw new ImageException($"{archive} is refused: its entry \"{name}\" leads out of the archive's own directory");
    }

    // Whatever the server's umask.
    private static void MakeReadable(string directory)
    {
        File.SetUnixFileMode(directory, Executable);
        foreach (var inner in Directory.EnumerateDirectories(directory, "*", SearchOption.AllDirectories))
            File.SetUnixFileMode(inner, Executable);
    }

    private static long Write(string archive, ZipArchiveEntry entry, string path, UnixFileMode mode, long left)
    {
        const int bufferBytes = 80 * 1024;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var content = entry.Open();
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
        var buffer = new byte[bufferBytes];
        for (int count; (count = content.Read(buffer)) > 0;)
        {
            if ((left -= count) < 0)
                throw new ImageException($"{archive} is refused: it holds more than {MaximumUnzippedBytes >> 20} MB unzipped");
            file.Write(buffer.AsSpan(0, count));
        }

        File.SetUnixFileMode(file.SafeFileHandle, mode);
        return left;
    }

    private static string ReadLink(ZipArchiveEntry entry)
    {
        // PATH_MAX of limits.h.
        const int longest = 4096;
        using var reader = new StreamReader(entry.Open());
        var buffer = new char[longest];
        var count = reader.ReadBlock(buffer);
        return count is > 0 and < longest ? new string(buffer, 0, count) : throw new InvalidDataException($"the symbolic link {entry.FullName} has no proper target");
    }
}
