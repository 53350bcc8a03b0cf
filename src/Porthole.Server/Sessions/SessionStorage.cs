using Microsoft.Extensions.Logging;
using Porthole.Sandboxes;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Sessions;

/// <summary>
/// What outlives sessions: one storage for each session id and version of its runtime (contract sections 10 and 12.1), in a directory of the
/// runtime, with which it goes.
/// </summary>
internal sealed class SessionStorage(ServerOptions options, DataDirectory data, TimeProvider time, ILogger<SessionStorage> log)
{
    // As the service documents it.
    private const long Bytes = 1L << 30;

    /// <summary>Where a session's sandbox has its storage; empty when its runtime wants none.</summary>
    public IReadOnlyList<SandboxMount> MountsOf(Session session)
    {
        var wanted = session.Deployment.Configuration.FilesystemConfigurations
            .Select(static configuration => configuration.SessionStorage).OfType<SessionStorageConfiguration>().ToList();
        if (wanted.Count == 0)
            return [];
        var directory = DirectoryOf(session.Key.RuntimeId);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // Another version of the runtime starts with an empty one.
        var name = $"{session.Key.DirectoryName}-{session.Deployment.Version.Version}";
        foreach (var entry in Directory.EnumerateFileSystemEntries(directory, name + "*"))
            File.SetLastWriteTimeUtc(entry, time.GetUtcNow().UtcDateTime);
        return [.. wanted.Select((storage, number) =>
            new SandboxMount(Path.Combine(directory, number == 0 ? name : $"{name}-{number}"), storage.MountPath.TrimEnd('/'), Bytes))];
    }

    /// <summary>Removes what the sessions of a runtime stored; none of them may live.</summary>
    public void Remove(string runtimeId)
    {
        if (new DirectoryInfo(DirectoryOf(runtimeId)) is { Exists: true } directory)
            Remove(directory);
    }

    /// <summary>Removes what a session stored, in whichever version of its runtime; it must not live.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool Remove(SessionKey session)
    {
        var stored = new DirectoryInfo(DirectoryOf(session.RuntimeId)) is { Exists: true } directory
            ? directory.GetFileSystemInfos(session.DirectoryName + "-*")
            : [];
        Array.ForEach(stored, Remove);
        return stored.Length > 0;
    }

    /// <summary>Removes storage that no session has had for as long as the operator wants it kept.</summary>
    /// <param name="living">Sessions whose storage is theirs now.</param>
    public void RemoveForgotten(IEnumerable<Session> living)
    {
        if (!Directory.Exists(data.StoragePath))
            return;
        var used = living.Select(session => session.Key.DirectoryName).ToHashSet(StringComparer.Ordinal);
        foreach (var entry in new DirectoryInfo(data.StoragePath).EnumerateDirectories().SelectMany(static runtime => runtime.EnumerateFileSystemInfos()))
        {
            if (time.GetUtcNow() - entry.LastWriteTimeUtc >= options.StorageRetention && !used.Contains(entry.Name.Split('-', '.')[0]))
                Remove(entry);
        }
    }

    private void Remove(FileSystemInfo entry)
    {
        try
        {
            if (entry is DirectoryInfo directory)
                SandboxMount.Remove(directory.FullName);
            else
                entry.Delete();
            SessionLog.StorageRemoved(log, entry.FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next look tries again.
            SessionLog.StorageNotRemoved(log, entry.FullName, e.Message);
        }
    }

    private string DirectoryOf(string runtimeId) => Path.Combine(data.StoragePath, runtimeId);
}
