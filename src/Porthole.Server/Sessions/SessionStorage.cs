using Porthole.Sandboxes;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Sessions;

/// <summary>What outlives sessions: one storage for each session id and version of its runtime (contract sections 10 and 12.1).</summary>
internal sealed class SessionStorage(DataDirectory data, TimeProvider time)
{
    // As the service documents both: its size, and the days without a session after which it is reset.
    private const long Bytes = 1L << 30;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(14);

    /// <summary>Where a session's sandbox has its storage; empty when its runtime wants none.</summary>
    public IReadOnlyList<SandboxMount> MountsOf(Session session)
    {
        var wanted = session.Deployment.Configuration.FilesystemConfigurations
            .Select(static configuration => configuration.SessionStorage).OfType<SessionStorageConfiguration>().ToList();
        if (wanted.Count == 0)
            return [];
        Directory.CreateDirectory(data.StoragePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // Another version of the runtime starts with an empty one.
        var name = $"{session.Key.DirectoryName}-{session.Deployment.Version.Version}";
        foreach (var entry in Directory.EnumerateFileSystemEntries(data.StoragePath, name + "*"))
            File.SetLastWriteTimeUtc(entry, time.GetUtcNow().UtcDateTime);
        return [.. wanted.Select((storage, number) =>
            new SandboxMount(Path.Combine(data.StoragePath, number == 0 ? name : $"{name}-{number}"), storage.MountPath.TrimEnd('/'), Bytes))];
    }

    /// <summary>Removes storage that no session has had for long.</summary>
    /// <param name="living">Sessions whose storage is theirs now.</param>
    public void RemoveForgotten(IEnumerable<Session> living)
    {
        if (!Directory.Exists(data.StoragePath))
            return;
        var used = living.Select(session => session.Key.DirectoryName).ToHashSet(StringComparer.Ordinal);
        foreach (var entry in new DirectoryInfo(data.StoragePath).EnumerateFileSystemInfos())
        {
            if (time.GetUtcNow() - entry.LastWriteTimeUtc < Kept || used.Contains(entry.Name.Split('-', '.')[0]))
                continue;
            if (entry is DirectoryInfo directory)
                SandboxMount.Remove(directory.FullName);
            else
                entry.Delete();
        }
    }
}
