namespace Porthole.Sandboxes;

/// <summary>The limits of a session when nobody sets others: what the cloud service gives, or what a small host can spare.</summary>
public static class HostLimits
{
    private const double Cpus = 2;
    private const long MemoryBytes = 8L << 30;
    private const long DiskBytes = 10L << 30;

    // More than any build has asked for, and a tenth of what a kernel can number by default.
    private const int Processes = 4096;

    /// <summary>Computes them for this host.</summary>
    /// <param name="dataDirectory">Where sessions keep their disks; must exist.</param>
    public static SandboxLimits Default(string dataDirectory) => new(
        Math.Min(Cpus, Environment.ProcessorCount),
        Math.Min(MemoryBytes, RoundDown(MemoryOfHost() / 4 * 3)),
        Processes,
        Math.Min(DiskBytes, RoundDown(FreeDisk(dataDirectory) / 2)));

    /// <summary>Bytes that this process could use at most: the host's, or its own control group's limit.</summary>
    internal static long MemoryOfHost() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Bytes that are free where a directory lies.</summary>
    internal static long FreeDisk(string directory) => new DriveInfo(directory).AvailableFreeSpace;

    // Whole megabytes, and never too little for a sandbox to be accepted: its start then says what is short.
    private static long RoundDown(long bytes) => Math.Max(16, bytes >> 20) << 20;
}
