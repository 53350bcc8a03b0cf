using System.Text;
using System.Text.Json;
using Porthole.Posix;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>Finds and ends what a server's sandboxes are made of: processes, mounts, loop devices.</summary>
internal static class Leftovers
{
    /// <summary>The processes, mounts and loop devices that still belong to a data directory.</summary>
    public static IReadOnlyList<string> Of(string dataDirectory, IReadOnlyCollection<string> sandboxIds)
    {
        var processes = sandboxIds.SelectMany(ProcessesOf).Select(pid => $"process {pid} {CommandLine(pid)}");
        var mounts = File.ReadLines("/proc/self/mountinfo").Where(line => line.Contains(dataDirectory, StringComparison.Ordinal));
        var loops = Directory.EnumerateDirectories("/sys/block", "loop*").Select(BackingFile).Where(file => file.StartsWith(dataDirectory, StringComparison.Ordinal));
        return [.. processes, .. mounts, .. loops];
    }

    /// <summary>The ids of all sandboxes that a data directory has now.</summary>
    public static IReadOnlyList<string> SandboxIds(string dataDirectory)
    {
        // Machines that wait for a session are sandboxes too.
        string[] places = [Path.Combine(dataDirectory, "sessions"), Path.Combine(dataDirectory, "cache", "machines")];
        return [.. places.Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories).Select(IdOf).OfType<string>()];
    }

    /// <summary>Kills what holds a sandbox together; the rest goes with its process namespace.</summary>
    public static void Kill(string sandboxId)
    {
        foreach (var pid in ProcessesOf(sandboxId))
            _ = Libc.Kill(pid, Libc.SIGKILL);
    }

    /// <summary>The processes that hold a sandbox together.</summary>
    public static IReadOnlyList<int> ProcessesOf(string sandboxId)
    {
        var marker = Encoding.ASCII.GetBytes($"PORTHOLE_SANDBOX={sandboxId}\0");
        return [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => char.IsAsciiDigit(name![0])).Select(name => int.Parse(name!))
            .Where(pid => TryRead($"/proc/{pid}/environ").AsSpan().IndexOf(marker) >= 0)];
    }

    private static string? IdOf(string sessionDirectory)
    {
        try
        {
            using var state = JsonDocument.Parse(TryRead(Path.Combine(sessionDirectory, "state.json")));
            return state.RootElement.GetProperty("id").GetString();
        }
        catch (JsonException)
        {
            // Half-written on purpose by a test, or not written yet.
            return null;
        }
    }

    private static string CommandLine(int pid) => Encoding.UTF8.GetString(TryRead($"/proc/{pid}/cmdline")).Replace('\0', ' ');

    private static string BackingFile(string loop) => Encoding.UTF8.GetString(TryRead(Path.Combine(loop, "loop/backing_file")));

    private static byte[] TryRead(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // It ended between the listing and the look, or is somebody else's.
            return [];
        }
    }
}
