namespace Porthole.Server.Store;

/// <summary>
/// The directory that holds all that a server keeps: its store, its sessions and the lock that says who runs it. Any process may look into
/// it; only the holder of <see cref="Lock"/> changes it.
/// </summary>
public sealed class DataDirectory
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private DataDirectory(string path) => FullPath = path;

    /// <summary>The absolute path.</summary>
    public string FullPath { get; }

    /// <summary>The SQLite file.</summary>
    public string StorePath => Path.Combine(FullPath, "porthole.db");

    /// <summary>The directory with one directory per session.</summary>
    public string SessionsPath => Path.Combine(FullPath, "sessions");

    /// <summary>The directory of the audit trail's files.</summary>
    public string AuditPath => Path.Combine(FullPath, "audit");

    /// <summary>Credentials for registries, in the format of docker's config.json; there or not.</summary>
    public string RegistryCredentialsPath => Path.Combine(FullPath, "auth.json");

    /// <summary>The directory of images.</summary>
    public string ImagesPath => Path.Combine(FullPath, "images");

    /// <summary>The directory of what outlives sessions.</summary>
    public string StoragePath => Path.Combine(FullPath, "storage");

    /// <summary>Where an operator puts the images and code that runtimes may be made of.</summary>
    public string InboxPath => Path.Combine(FullPath, "inbox");

    internal string CachePath => Path.Combine(FullPath, "cache");

    /// <summary>Where long bodies wait until they are whole, so that their signature can be verified. Their files go with the request.</summary>
    internal string SpoolPath => Path.Combine(FullPath, "spool");

    internal string PidPath => Path.Combine(FullPath, "server.pid");

    /// <summary>Opens the directory, made for its owner alone if it is not there yet.</summary>
    /// <param name="path">A path, absolute or from the current directory.</param>
    /// <exception cref="DataDirectoryException">It cannot be made, or something else has its name.</exception>
    public static DataDirectory Create(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full, OwnerOnly);
            Directory.CreateDirectory(Path.Combine(full, "sessions"), OwnerOnly);
            Directory.CreateDirectory(Path.Combine(full, "spool"), OwnerOnly);
            Directory.CreateDirectory(Path.Combine(full, "inbox"), OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryException($"The data directory {full} cannot be made: {e.Message} Choose another one with --data-dir.", e);
        }

        return new DataDirectory(full);
    }

    /// <summary>Opens a directory that a server has used before.</summary>
    /// <param name="path">A path, absolute or from the current directory.</param>
    /// <exception cref="DataDirectoryException">No server has used it.</exception>
    public static DataDirectory Existing(string path)
    {
        var directory = new DataDirectory(Path.GetFullPath(path));
        if (File.Exists(directory.StorePath)) return directory;
        throw new DataDirectoryException($"{directory.FullPath} is no data directory: it has no store. Start 'porthole serve --data-dir {path}' first.");
    }

    /// <summary>Removes what a server that was killed had received. Only for the holder of the lock.</summary>
    internal void ClearSpool()
    {
        foreach (var file in Directory.EnumerateFiles(SpoolPath))
            File.Delete(file);
    }

    /// <summary>Takes the directory for this process, until the result is disposed or the process ends in whatever way.</summary>
    /// <exception cref="DataDirectoryInUseException">Another server has it.</exception>
    /// <exception cref="DataDirectoryException">The lock file cannot be opened.</exception>
    public DataDirectoryLock Lock() => DataDirectoryLock.Take(this);

    /// <summary>The process id of the server that has the directory now; null when none has.</summary>
    public int? FindServer() => DataDirectoryLock.FindHolder(this);
}
