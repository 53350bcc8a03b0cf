namespace Porthole.Sandboxes;

/// <summary>
/// The first files of every session on the host's own programs: directories, links as the host has them, and a small /etc.
/// Built once at the server's start; each session has a copy, of which it may change everything.
/// </summary>
internal sealed class SessionFiles
{
    private const UnixFileMode Everyone = (UnixFileMode)0x1ED, Shared = (UnixFileMode)0x3FF;

    // Merged into /usr on most distributions, directories of their own on the others.
    private static readonly string[] ProgramDirectories = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

    /// <summary>Name of the session's root directory in its disk, where mkfs.ext4 makes a lost+found beside it.</summary>
    public const string RootName = "root";

    private SessionFiles(string directory, IReadOnlyList<string> hostPaths) => (Directory, HostPaths) = (directory, hostPaths);

    /// <summary>Holds <see cref="RootName"/> alone.</summary>
    public string Directory { get; }

    /// <summary>What becomes the session's root directory.</summary>
    public string Root => Path.Combine(Directory, RootName);

    /// <summary>Files and directories of the host that are too large or too lively to copy: shown read-only in the same place.</summary>
    public IReadOnlyList<string> HostPaths { get; }

    /// <summary>Builds the files below a directory, which is emptied first.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public static SessionFiles Build(string directory)
    {
        DirectoryRemover.Remove(directory);
        var root = Path.Combine(directory, RootName);
        MakeDirectories(root);
        var hostPaths = new List<string> { "/usr" };
        foreach (var name in ProgramDirectories)
        {
            var onHost = new DirectoryInfo("/" + name);
            if (onHost.LinkTarget is { } target)
                File.CreateSymbolicLink(Path.Combine(root, name), target);
            else if (onHost.Exists)
                hostPaths.Add(onHost.FullName);
        }

        // What is installed, for those who ask; installing needs a /usr that can be written.
        if (System.IO.Directory.Exists("/var/lib/dpkg"))
            hostPaths.Add("/var/lib/dpkg");
        EtcFiles.Write(Path.Combine(root, "etc"), Path.Combine(root, "root"), hostPaths);
        return new SessionFiles(directory, hostPaths);
    }

    private static void MakeDirectories(string directory)
    {
        foreach (var name in (string[])["etc", "home", "media", "mnt", "opt", "run/lock", "srv", "usr", "proc", "root", "dev", "sys", "var/cache", "var/lib", "var/log", "var/spool"])
            Make(directory, name, Everyone);
        Make(directory, "tmp", Shared);
        Make(directory, "var/tmp", Shared);
        File.CreateSymbolicLink(Path.Combine(directory, "var/run"), "../run");
        File.CreateSymbolicLink(Path.Combine(directory, "var/lock"), "../run/lock");
    }

    private static void Make(string directory, string name, UnixFileMode mode)
    {
        var path = Path.Combine(directory, name);
        System.IO.Directory.CreateDirectory(path);

        // Set apart from making it: the umask of the server must not decide.
        File.SetUnixFileMode(path, mode);
    }
}
