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

    // A pause while nobody types delays nobody. Where somebody always does, one in a minute is better than never.
    private const int LongestWait = 60;

    private long _collectedAt;
    private long _lookedAt;
    private long _typed;
    private int _waited;

    /// <summary>Looks, and collects if it is time; call about once a second.</summary>
    /// <param name="typed">Bytes that clients have typed into the shells that are attached now; only whether it changes counts.</param>
    /// <returns>Whether it has collected.</returns>
    public bool Look(long typed)
    {
        var allocated = GC.GetTotalAllocatedBytes();
        var isCalm = allocated - _lookedAt < CalmBytesPerLook;
        var isTyping = typed != _typed;
        (_lookedAt, _typed) = (allocated, typed);
        if (!isCalm || allocated - _collectedAt < BurstBytes || (isTyping && ++_waited < LongestWait))
            return false;
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        (_collectedAt, _waited) = (GC.GetTotalAllocatedBytes(), 0);
        return true;
    }
}
