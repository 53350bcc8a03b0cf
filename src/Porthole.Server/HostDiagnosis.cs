using Porthole.Sandboxes;
using Porthole.Server.Store;

namespace Porthole.Server;

/// <summary>What a server would find on this host: <c>porthole doctor</c>. Needs no server, and may run beside one.</summary>
public static class HostDiagnosis
{
    private const string DataDirectoryName = "data directory";

    /// <summary>Makes all checks; takes about a second.</summary>
    /// <param name="options">The settings that a server would run with. Its data directory need not exist and is not made.</param>
    /// <param name="cancellationToken">Ends the checks early.</param>
    public static async Task<IReadOnlyList<HostCheck>> RunAsync(ServerOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var path = Path.GetFullPath(options.DataDirectory);
        var check = CheckDataDirectory(path);

        // Not the server's own cache, which may be in use, but on the same disk where that is possible.
        var scratch = Path.Combine(check.Status == HostCheckStatus.Fail ? Path.GetTempPath() : NearestDirectory(path), $".porthole-doctor-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(scratch, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return [check, .. await HostChecks.RunAsync(PortholeServer.DriverOptions(options, scratch, static _ => { }), cancellationToken)];
        }
        finally
        {
            if (Directory.Exists(scratch))
                Directory.Delete(scratch, recursive: true);
        }
    }

    private static HostCheck CheckDataDirectory(string path)
    {
        var writable = NearestDirectory(path);
        try
        {
            if (ServerInfo.Read(path) is { } info && DataDirectory.Existing(path).FindServer() is { } pid)
                return new(DataDirectoryName, HostCheckStatus.Ok, $"{path}: a server (pid {pid}) runs on it, {string.Join(' ', info.Endpoints)}", null);
            Directory.Delete(Directory.CreateDirectory(Path.Combine(writable, $".porthole-doctor-{Guid.NewGuid():N}")).FullName);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or DataDirectoryException)
        {
            var why = refused switch
            {
                DataDirectoryException => refused.Message,
                _ when File.Exists(writable) => $"{writable} is a file",
                UnauthorizedAccessException => $"this user may not write to {writable}",
                _ => refused.Message,
            };
            return new(DataDirectoryName, HostCheckStatus.Fail, $"{path} cannot be used: {why}", "choose another one with --data-dir, or run as its owner");
        }

        return new(DataDirectoryName, HostCheckStatus.Ok, $"{path}: {(writable == path ? "no server runs on it now" : "not there yet; the first server makes it")}", null);
    }

    // What is there already of a path; making a directory in it shows whether it will do.
    private static string NearestDirectory(string path) => Path.Exists(path) ? path : NearestDirectory(Path.GetDirectoryName(path)!);
}
