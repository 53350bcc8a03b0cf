namespace Porthole.Sandboxes;

/// <summary>
/// Deletes a tree that somebody hostile may have made. Directories are lifted to the top before they are emptied, so that no depth
/// of nesting exceeds a path or the stack; symbolic links are removed and never followed. Nothing may write to it any more.
/// </summary>
internal static class DirectoryRemover
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Deletes the directory and all that is in it; nothing happens when it does not exist.</summary>
    /// <exception cref="IOException">Something in it could not be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">Something in it belongs to somebody else.</exception>
    public static void Remove(string directory)
    {
        if (!Directory.Exists(directory))
            return;

        // Nobody can have put something in the place of a name that did not exist before.
        var (prefix, number) = ($".removed-{Guid.NewGuid():N}-", 0);
        var waiting = new Queue<string>([directory]);
        while (waiting.TryDequeue(out var current))
        {
            foreach (var entry in new DirectoryInfo(current).EnumerateFileSystemInfos())
            {
                if (entry is not DirectoryInfo || entry.LinkTarget is not null)
                {
                    File.Delete(entry.FullName);
                    continue;
                }

                // Its owner may have taken the right to look into it, or to move it, from himself.
                File.SetUnixFileMode(entry.FullName, OwnerOnly);
                if (current == directory)
                {
                    waiting.Enqueue(entry.FullName);
                    continue;
                }

                var lifted = Path.Combine(directory, $"{prefix}{++number}");
                Directory.Move(entry.FullName, lifted);
                waiting.Enqueue(lifted);
            }

            if (current != directory)
                Directory.Delete(current);
        }

        Directory.Delete(directory);
    }
}
