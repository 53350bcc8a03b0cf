namespace Porthole.Launch;

/// <summary>Puts this process, and with it all that it becomes, into a control group that the server has made.</summary>
internal static class Cgroup
{
    /// <summary>Joins the group of a directory, of cgroup v1 or v2 alike.</summary>
    public static void Join(string directory)
    {
        try
        {
            // 0 stands for the writer (cgroups(7)).
            File.WriteAllText(Path.Combine(directory, "cgroup.procs"), "0");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"join the control group {directory}: {failure.Message}");
        }
    }
}
