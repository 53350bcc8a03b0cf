using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// The memory of templates on the disk, for machines that are suspended: what they changed is worth nothing without it. Each is written when the
/// first of its copies is suspended; the others get one more name of the same file in their directories, and the last name to go takes it along.
/// </summary>
internal sealed class SavedTemplates
{
    private readonly Lock _lock = new();
    private readonly string _directory;

    /// <summary>Takes a directory on the disk on which sessions lie. What an earlier server left there is of use to its own suspended sessions only.</summary>
    public SavedTemplates(string directory)
    {
        DirectoryRemover.Remove(directory);
        _directory = Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
    }

    /// <summary>Gives the template's memory a name in the directory of a machine.</summary>
    /// <param name="id">The template.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="name">The new name.</param>
    /// <exception cref="PosixException">The disk is full.</exception>
    public void Save(string id, string memory, string name)
    {
        // One at a time: of a hundred megabytes the second one finds what the first has written.
        lock (_lock)
        {
            var path = Path.Combine(_directory, id);
            if (!File.Exists(path))
                Write(memory, path);
            File.Delete(name);
            if (Libc.Link(path, name) < 0)
                throw PosixException.FromLast($"name {path} as {name}");
        }
    }

    private static void Write(string memory, string path)
    {
        var unfinished = $"{path}.{Guid.NewGuid():N}";
        try
        {
            SparseFile.Copy(memory, unfinished);
            Descriptor.Sync(unfinished);
            File.Move(unfinished, path);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
