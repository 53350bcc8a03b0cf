using System.Globalization;

namespace Porthole.Bench;

/// <summary>One process as /proc shows it.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Parent">Its parent's number.</param>
/// <param name="Name">The kernel's short name, at most 15 characters.</param>
/// <param name="CpuTicks">User and system time so far, in hundredths of a second.</param>
internal sealed record ProcessEntry(int Pid, int Parent, string Name, long CpuTicks);

/// <summary>Memory of one process in bytes, from smaps_rollup.</summary>
internal readonly record struct ProcessMemory(long Resident, long Proportional, long Private)
{
    public static ProcessMemory operator +(ProcessMemory a, ProcessMemory b) =>
        new(a.Resident + b.Resident, a.Proportional + b.Proportional, a.Private + b.Private);

    public static ProcessMemory operator -(ProcessMemory a, ProcessMemory b) =>
        new(a.Resident - b.Resident, a.Proportional - b.Proportional, a.Private - b.Private);

    public static ProcessMemory operator /(ProcessMemory a, int count) =>
        new(a.Resident / count, a.Proportional / count, a.Private / count);
}

/// <summary>The processes below the driver: the peers' servers, their sandboxes, and the shells with what runs in them.</summary>
internal static class ProcessTable
{
    /// <summary>What runs in the shells. It is the same for every peer and counts for none.</summary>
    private static readonly HashSet<string> s_workload = ["bash", "sh", "cat", "yes", "stty"];

    public static bool IsWorkload(ProcessEntry process) => s_workload.Contains(process.Name);

    /// <summary>Every living descendant of the driver; zombies are left out.</summary>
    public static List<ProcessEntry> Descendants()
    {
        var all = new Dictionary<int, ProcessEntry>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && ReadEntry(pid) is { } entry)
                all[pid] = entry;
        return [.. all.Values.Where(process => Descends(process, all))];
    }

    /// <summary>Null when the process is gone or may not be looked into.</summary>
    public static ProcessMemory? Memory(int pid)
    {
        try
        {
            long resident = 0, proportional = 0, own = 0;
            foreach (var line in File.ReadLines($"/proc/{pid}/smaps_rollup"))
            {
                var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (parts.Length < 2 || !long.TryParse(parts[1], CultureInfo.InvariantCulture, out var kibibytes))
                    continue;
                var bytes = kibibytes * 1024;
                if (parts[0] == "Rss:")
                    resident += bytes;
                else if (parts[0] == "Pss:")
                    proportional += bytes;
                else if (parts[0] is "Private_Clean:" or "Private_Dirty:")
                    own += bytes;
            }
            return new(resident, proportional, own);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool Descends(ProcessEntry process, Dictionary<int, ProcessEntry> all)
    {
        // The bound is for a parent that changed while the table was read.
        for (var step = 0; step < 64 && process.Parent > 1; step++)
        {
            if (process.Parent == Environment.ProcessId)
                return true;
            if (!all.TryGetValue(process.Parent, out process!))
                return false;
        }
        return false;
    }

    private static ProcessEntry? ReadEntry(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (IOException)
        {
            return null; // ended since the folder was listed
        }
        int open = stat.IndexOf('(', StringComparison.Ordinal), close = stat.LastIndexOf(')');
        var fields = stat[(close + 2)..].Split(' ');
        if (fields[0] is "Z" or "X")
            return null;
        return new(pid, int.Parse(fields[1], CultureInfo.InvariantCulture), stat[(open + 1)..close],
            long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture));
    }
}
