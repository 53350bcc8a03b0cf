namespace Porthole.Sandboxes;

/// <summary>Storage that outlives a sandbox, and comes back in the next one that names it.</summary>
/// <param name="Storage">
/// A path without an ending, in a directory that exists. What is stored lies in PATH.ext4, an image of limited size, when the server is root and
/// can mount such; otherwise in the directory PATH. Made when missing. One sandbox has it at a time. To forget it, delete both.
/// </param>
/// <param name="Target">Where it appears inside: an absolute path without "..", such as /mnt/data. Missing directories are made.</param>
/// <param name="Bytes">How much it holds; decided when it is made.</param>
public sealed record SandboxMount(string Storage, string Target, long Bytes);
