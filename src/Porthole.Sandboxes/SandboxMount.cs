namespace Porthole.Sandboxes;

/// <summary>Storage that outlives a sandbox, and comes back in the next one that names it.</summary>
/// <param name="Storage">
/// A path without an ending, in a directory that exists. What is stored lies in PATH.ext4, an image of limited size, when the server is root and
/// can mount such, and for microVMs always; otherwise in the directory PATH. Made when missing. In both, what is root's inside belongs to root. One sandbox has it at a time. To forget it, delete both.
/// </param>
/// <param name="Target">Where it appears inside: an absolute path without "..", such as /mnt/data. Missing directories are made.</param>
/// <param name="Bytes">How much it holds; decided when it is made.</param>
public sealed record SandboxMount(string Storage, string Target, long Bytes)
{
    /// <summary>Deletes storage that is a directory; whoever wrote to it may be hostile, and must not have it now.</summary>
    /// <exception cref="IOException">Something in it could not be deleted.</exception>
    public static void Remove(string directory) => DirectoryRemover.Remove(directory);
}
