using System.Globalization;
using System.Text;
using Porthole.Posix;

namespace Porthole.Sandboxes;

/// <summary>Finds the processes of a sandbox whose numbers nobody has written down: its server died while it was being started.</summary>
internal static class ProcessTable
{
    /// <summary>The environment variable that holds <see cref="SandboxState.Id"/> in each process that holds a sandbox together.</summary>
    public const string MarkerVariable = "PORTHOLE_SANDBOX";

    /// <summary>The process ids of what runs for a sandbox outside and as its first process; the guest and what it starts are not among them.</summary>
    public static IEnumerable<int> Find(string id)
    {
        var marker = Encoding.ASCII.GetBytes($"{MarkerVariable}={id}\0");
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), out var pid) && Holds(pid, marker))
                yield return pid;
        }
    }

    /// <summary>Kills what runs for a sandbox, and waits until it is gone.</summary>
    public static Task KillAsync(EventLoop loop, string id)
    {
        var processes = Find(id).Select(pid => WatchedProcess.TryWatch(loop, pid)).OfType<WatchedProcess>().ToList();
        processes.ForEach(process => process.Kill());
        return Task.WhenAll(processes.Select(process => process.Ended));
    }

    /// <summary>The only child of a process (proc_tid_children(5)).</summary>
    /// <exception cref="IOException">It has ended, or has none.</exception>
    public static int ChildOf(int pid) =>
        int.TryParse(File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ')[0], out var child) ? child : throw new IOException($"process {pid} has no child");

    /// <summary>How many threads run under a user id.</summary>
    public static int CountThreads(uint user)
    {
        var threads = 0;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), out var pid) && Status(pid) is { } status && Field(status, "Uid:") == user)
                threads += (int)Field(status, "Threads:");
        }

        return threads;
    }

    private static long Field(string[] status, string name) =>
        long.Parse(status.First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Split('\t', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);

    private static string[]? Status(int pid)
    {
        try
        {
            return File.ReadAllLines($"/proc/{pid}/status");
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }

    private static bool Holds(int pid, byte[] marker)
    {
        try
        {
            return File.ReadAllBytes($"/proc/{pid}/environ").AsSpan().IndexOf(marker) >= 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It has ended, or it is somebody else's and so not of our sandbox.
            return false;
        }
    }
}
