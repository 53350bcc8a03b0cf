using System.Globalization;

namespace Porthole.Bench.Reporting;

/// <summary>What the numbers were measured on.</summary>
internal static class Machine
{
    public static string Describe()
    {
        var cpu = Value("/proc/cpuinfo", "model name") ?? "unknown processor";
        var hypervisor = (Value("/proc/cpuinfo", "flags") ?? "").Contains(" hypervisor", StringComparison.Ordinal);
        var memory = long.Parse((Value("/proc/meminfo", "MemTotal") ?? "0 kB").Split(' ')[0], CultureInfo.InvariantCulture) / (1024.0 * 1024);
        var system = Value("/etc/os-release", "PRETTY_NAME", '=')?.Trim('"') ?? "Linux";
        var kernel = Environment.OSVersion.Version.ToString(3);
        var autogroup = File.Exists("/proc/sys/kernel/sched_autogroup_enabled") && File.ReadAllText("/proc/sys/kernel/sched_autogroup_enabled").Trim() == "1";
        return string.Create(CultureInfo.InvariantCulture,
            $"{cpu}, {Environment.ProcessorCount} cores{(hypervisor ? " of a virtual machine" : "")}, {memory:0} GiB, {system}, Linux {kernel}, scheduler autogroups {(autogroup ? "on" : "off")}");
    }

    /// <summary>Mean number of runnable tasks over the last minute.</summary>
    public static double Load() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    private static string? Value(string file, string name, char separator = ':') =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(separator, 2)[1].Trim();
}
