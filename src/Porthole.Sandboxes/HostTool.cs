namespace Porthole.Sandboxes;

/// <summary>Programs of the host that sandboxes are made with.</summary>
internal static class HostTool
{
    // What a service's PATH may lack: administration tools live in the sbin directories.
    private const string Fallback = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The file of a program; null when it is not installed.</summary>
    public static string? Find(string name) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:{Fallback}".Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
}
