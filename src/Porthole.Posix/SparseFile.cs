namespace Porthole.Posix;

/// <summary>Files that are mostly holes.</summary>
public static unsafe class SparseFile
{
    // ioctl_ficlone(2), lseek(2)
    private const nuint Clone = 0x40049409;
    private const int SeekData = 3, SeekHole = 4;

    /// <summary>Copies a file to a new one, holes as holes; on file systems that share blocks nothing is copied at all.</summary>
    /// <param name="source">The file to copy.</param>
    /// <param name="target">The new file, readable and writable by its owner only; must not exist.</param>
    /// <exception cref="PosixException">A file cannot be opened, or the disk is full.</exception>
    public static void Copy(string source, string target)
    {
        const uint ownerOnly = 0x180;
        using var from = Descriptor.Open(source, Libc.O_RDONLY);
        using var to = Descriptor.Open(target, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL, ownerOnly);
        if (Libc.Ioctl(to.Number, Clone, (void*)from.Number) != 0)
            Copy(from, source, to, target);
    }

    /// <summary>Copies what an open file holds to another one, which is empty and is as long then; holes stay holes.</summary>
    /// <param name="from">The file to copy, on whatever file system.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <param name="to">The other file, on the same one or another.</param>
    /// <param name="target">Its name, for messages.</param>
    /// <exception cref="PosixException">The disk is full.</exception>
    public static void Copy(Descriptor from, string source, Descriptor to, string target)
    {
        var length = Seek(from, 0, 2, source);
        if (Libc.FTruncate(to.Number, length) < 0)
            throw PosixException.FromLast($"make {target} {length} bytes long");
        for (var start = SeekOrEnd(from, 0, SeekData, length); start < length;)
        {
            var end = SeekOrEnd(from, start, SeekHole, length);
            CopyRange(from, to, start, end, target);
            start = SeekOrEnd(from, end, SeekData, length);
        }
    }

    private static void CopyRange(Descriptor from, Descriptor to, long start, long end, string target)
    {
        var (read, written) = (start, start);
        while (read < end)
        {
            var count = Libc.CopyFileRange(from.Number, &read, to.Number, &written, (nuint)(end - read), 0);

            // Not between file systems of different kinds (copy_file_range(2)).
            if (count < 0 && Errno.Last == Errno.EXDEV)
            {
                Seek(to, written, 0, target);
                count = Libc.SendFile(to.Number, from.Number, &read, (nuint)(end - read));
                written = read;
            }

            if (count <= 0)
                throw PosixException.FromLast($"copy to {target}");
        }
    }

    private static long SeekOrEnd(Descriptor file, long offset, int whence, long length)
    {
        // ENXIO: no data follows (lseek(2)).
        var found = Libc.LSeek(file.Number, offset, whence);
        return found < 0 ? length : found;
    }

    private static long Seek(Descriptor file, long offset, int whence, string name)
    {
        var found = Libc.LSeek(file.Number, offset, whence);
        return found < 0 ? throw PosixException.FromLast($"seek in {name}") : found;
    }
}
