namespace Porthole.Sandboxes;

/// <summary>What one sandbox may use of its host.</summary>
/// <param name="Cpus">Processors' worth of time, 0.01 and up.</param>
/// <param name="MemoryBytes">Memory of all its processes and its files in memory, 16 MB and up.</param>
/// <param name="Processes">Processes and threads, the four that hold it together included; 16 and up.</param>
/// <param name="DiskBytes">What it may write, 16 MB and up.</param>
public sealed record SandboxLimits(double Cpus, long MemoryBytes, int Processes, long DiskBytes);
