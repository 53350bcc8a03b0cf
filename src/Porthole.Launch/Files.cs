using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>The first files of a session.</summary>
internal static class Files
{
    /// <summary>Makes a directory that belongs to a user.</summary>
    public static void Own(string directory, uint user)
    {
        Directory.CreateDirectory(directory);
        if (Libc.LChown(directory, user, user) < 0)
            throw PosixException.FromLast($"give {directory} to user {user}");
    }

    /// <summary>Gives a file, or a directory and all that is in it, to a user.</summary>
    public static void OwnTree(string path, uint user)
    {
        if (Libc.LChown(path, user, user) < 0)
            throw PosixException.FromLast($"give {path} to user {user}");
        if (!Directory.Exists(path))
            return;
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo && entry.LinkTarget is null)
                OwnTree(entry.FullName, user);
            else if (Libc.LChown(entry.FullName, user, user) < 0)
                throw PosixException.FromLast($"give {entry.FullName} to user {user}");
        }
    }

    /// <summary>Copies directories, files and symbolic links with their modes; what is copied belongs to who copies.</summary>
    public static void CopyTree(string source, string target)
    {
        foreach (var entry in new DirectoryInfo(source).EnumerateFileSystemInfos())
        {
            var copy = Path.Combine(target, entry.Name);
            if (entry.LinkTarget is { } link)
            {
                File.CreateSymbolicLink(copy, link);
                continue;
            }

            if (entry is DirectoryInfo)
            {
                Directory.CreateDirectory(copy);
                CopyTree(entry.FullName, copy);
            }
            else
            {
                File.Copy(entry.FullName, copy);
            }

            // After the contents: a directory may be one that even its owner cannot write.
            File.SetUnixFileMode(copy, entry.UnixFileMode);
        }
    }
}
