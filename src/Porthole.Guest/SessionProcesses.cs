using System.Globalization;
using Porthole.Posix;

namespace Porthole.Guest;

/// <summary>The processes of one session (setsid(2)), whatever process group they are in.</summary>
internal static class SessionProcesses
{
    /// <summary>Sends a signal to every living process of a session.</summary>
    /// <returns>How many there were. Without /proc only the leader's own group is known.</returns>
    public static int Signal(int session, int signal)
    {
        var count = 0;
        foreach (var processId in Find(session))
        {
            if (Libc.Kill(processId, signal) == 0)
                count++;
        }

        return count;
    }

    private static IEnumerable<int> Find(int session)
    {
        if (!Directory.Exists("/proc/self"))
            return [-session];
        return Directory.EnumerateDirectories("/proc")
            .Select(directory => int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(processId => processId > 0 && IsAliveIn(session, processId));
    }

    /// <summary>Reads /proc/PID/stat (proc(5)): after the name in parentheses come state, parent, group and session.</summary>
    private static bool IsAliveIn(int session, int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ', 5);
            return fields[0] is not ("Z" or "X") && int.Parse(fields[3], CultureInfo.InvariantCulture) == session;
        }
        catch (IOException)
        {
            // It ended between the listing and now.
            return false;
        }
    }
}
