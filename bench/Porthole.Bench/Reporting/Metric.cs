namespace Porthole.Bench.Reporting;

/// <summary>One measured quantity.</summary>
/// <param name="Key">Stable name.</param>
/// <param name="Title">The heading of its column or table.</param>
/// <param name="Unit">Of all its samples.</param>
internal sealed record Metric(string Key, string Title, string Unit);

internal static class Metrics
{
    public static readonly Metric Echo = new("echo", "Echo of one byte, back to back", "µs");
    public static readonly Metric Typing = new("typing", "Typing at 20 keys/s into bash", "µs");
    public static readonly Metric TypingFloodSame = new("typing-flood-same", "Typing while another shell of the session floods", "µs");
    public static readonly Metric TypingFloodOther = new("typing-flood-other", "Typing while shells of another session flood", "µs");
    public static readonly Metric Crowd = new("crowd", "100 shells typing at 20 keys/s each", "µs");
    public static readonly Metric Bulk1 = new("bulk-1", "1 shell", "MB/s");
    public static readonly Metric Bulk1Cpu = new("bulk-1-cpu", "CPU, 1 shell", "ms/MB");
    public static readonly Metric Bulk10 = new("bulk-10", "10 shells", "MB/s");
    public static readonly Metric Bulk10Cpu = new("bulk-10-cpu", "CPU, 10 shells", "ms/MB");
    public static readonly Metric Start = new("start", "Session start to first prompt", "ms");
    public static readonly Metric StartShell = new("start-shell", "One more shell in a running session", "ms");
    public static readonly Metric StartCold = new("start-cold", "First session of a fresh server to its first prompt", "ms");
    public static readonly Metric SessionMemory1 = new("session-memory-1", "PSS of 1 session", "MiB");
    public static readonly Metric SessionMemory10 = new("session-memory-10", "PSS per session of 10", "MiB");
    public static readonly Metric SessionMemory30 = new("session-memory-30", "PSS per session of 30", "MiB");
    public static readonly Metric SessionIdle = new("session-idle", "processor per idle session of 30", "% of a core");
    public static readonly Metric EchoQuiet = new("echo-quiet", "Echo beside a session that is quiet", "µs");
    public static readonly Metric EchoFlooded = new("echo-flooded", "Echo beside a session that prints 200 MB", "µs");
    public static readonly Metric MemoryAttached = new("memory-attached", "server side, PSS per attached shell", "KiB");
    public static readonly Metric MemoryAttachedPrivate = new("memory-attached-private", "of it private", "KiB");
    public static readonly Metric MemoryDetached = new("memory-detached", "server side, PSS per detached shell", "KiB");
    public static readonly Metric GatewayAttached = new("gateway-attached", "gateway, private per attached shell", "KiB");
    public static readonly Metric GatewayDetached = new("gateway-detached", "gateway, private per detached shell", "KiB");
    public static readonly Metric GuestAttached = new("guest-attached", "guest, private per attached shell", "KiB");
    public static readonly Metric GuestDetached = new("guest-detached", "guest, private per detached shell", "KiB");
    public static readonly Metric GuestResident = new("guest-resident", "guest with 10 shells, resident", "KiB");
    public static readonly Metric GatewayResident = new("gateway-resident", "gateway with all shells, resident", "KiB");
}
