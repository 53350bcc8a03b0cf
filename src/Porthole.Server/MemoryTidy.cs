using System.Runtime;

namespace Porthole.Server;

/// <summary>
/// Gives memory back once a burst of connections is over. The collector sizes its first generation by the processor's cache and would keep
/// hundreds of kilobytes of garbage for each shell that was opened; a server that then only relays allocates nothing, so it would never collect.
/// </summary>
internal sealed class MemoryTidy
{
    // A collection stops all threads for some milliseconds: worth it only for a burst, and only after it.
    private const long BurstBytes = 8 * 1024 * 1024;
    private const long CalmBytesPerLook = 256 * 1024;

    private long _collectedAt;
    private long _lookedAt;

    /// <summary>Looks, and collects if it is time; call about once a second.</summary>
    public void Look()
    {
        var allocated = GC.GetTotalAllocatedBytes();
        var isCalm = allocated - _lookedAt < CalmBytesPerLook;
        _lookedAt = allocated;
        if (!isCalm || allocated - _collectedAt < BurstBytes)
            return;
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _collectedAt = GC.GetTotalAllocatedBytes();
    }
}
