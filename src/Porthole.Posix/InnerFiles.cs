namespace Porthole.Posix;

/// <summary>
/// Files and directories that a session needs in a root directory that comes from an image. The image is a stranger's: where it has a
/// symbolic link on the way, a directory is made instead. Nobody else changes the files meanwhile.
/// </summary>
public static class InnerFiles
{
    /// <summary>Makes sure that a directory is there, and that nothing on the way to it leads out of the root.</summary>
    /// <param name="root">The root directory.</param>
    /// <param name="path">A path below it; what is missing of it is made.</param>
    /// <param name="owner">Whom that belongs to.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static string Directory(string root, string path, uint owner)
    {
        ArgumentNullException.ThrowIfNull(path);
        var current = root;
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (name == "..")
                throw new ArgumentException($"{path} leads out of the root");
            current = Path.Combine(current, name);
            if (new FileInfo(current).LinkTarget is not null || File.Exists(current))
                File.Delete(current);
            if (System.IO.Directory.Exists(current))
                continue;
            System.IO.Directory.CreateDirectory(current);
            Own(current, owner);
        }

        return current;
    }

    /// <summary>Replaces a file.</summary>
    /// <param name="root">The root directory.</param>
    /// <param name="path">The file's path below it.</param>
    /// <param name="text">What it then holds.</param>
    /// <param name="owner">Whom it belongs to.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(string root, string path, string text, uint owner)
    {
        var directory = Directory(root, Path.GetDirectoryName(path)!, owner);
        var file = Path.Combine(directory, Path.GetFileName(path));
        if (System.IO.Directory.Exists(file) && new FileInfo(file).LinkTarget is null)
            System.IO.Directory.Delete(file, recursive: true);
        else
            File.Delete(file);
        using (var stream = new FileStream(file, FileMode.CreateNew))
            stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
        Own(file, owner);
    }

    private static void Own(string path, uint owner)
    {
        if (Libc.LChown(path, owner, owner) < 0)
            throw PosixException.FromLast($"give {path} to user {owner}");
    }
}
