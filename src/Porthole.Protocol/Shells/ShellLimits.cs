namespace Porthole.Protocol.Shells;

/// <summary>
/// Every limit of a shell socket, with the service's documented value as default. Where no value is documented, the reason for ours is given.
/// All are settings of the server.
/// </summary>
public sealed record ShellLimits
{
    /// <summary>The documented limits.</summary>
    public static ShellLimits Default { get; } = new();

    /// <summary>
    /// Shells with a connection, per session; the next one is refused with 429. Documented for the harness shell. Detached shells do not
    /// count: current clients always detach, so counting them would lock users out.
    /// </summary>
    public int MaxAttachedShells { get; init; } = 10;

    /// <summary>Shells in a session, attached or not; above it the shell that was detached longest ago is ended. Documented for the harness shell.</summary>
    public int MaxShells { get; init; } = 20;

    /// <summary>The least that <see cref="MaxFrameBytesSent"/> may be: a STATUS with a message for people fits.</summary>
    public const int MinFrameBytesSent = 1024;

    /// <summary>The most that <see cref="MaxFrameBytesSent"/> may be: some clients refuse one byte more.</summary>
    public const int LargestFrameBytesSent = 65_536;

    /// <summary>Bytes of the largest message of output, channel byte included. Documented as 64 KB.</summary>
    public int MaxFrameBytesSent { get; init; } = LargestFrameBytesSent;

    /// <summary>Bytes of the largest message accepted, channel byte included: 64 KB of payload, which one official client sends in full.</summary>
    public int MaxFrameBytesReceived { get; init; } = 65_537;

    /// <summary>Data messages accepted in any <see cref="FrameRateWindow"/>, pings and pongs not counted; above it 1008. Documented as 250 a second.</summary>
    public int MaxFramesPerWindow { get; init; } = 250;

    /// <summary>Length of the sliding window of <see cref="MaxFramesPerWindow"/>.</summary>
    public TimeSpan FrameRateWindow { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Text messages in a row, no binary one between, that close the socket with 1003. Documented.</summary>
    public int MaxConsecutiveTextFrames { get; init; } = 5;

    /// <summary>Life of one connection; then 1008, and the shell stays. Documented as 1 hour.</summary>
    public TimeSpan ConnectionLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Bytes of output kept per shell while nobody is attached, oldest dropped first. Documented as 256 KB.</summary>
    public int RingBytes { get; init; } = 256 * 1024;

    /// <summary>
    /// Bytes of output that may be on their way from the guest to a client's kernel. The guest keeps as many beside
    /// <see cref="RingBytes"/>, so that a connection that breaks loses nothing.
    /// </summary>
    public const int MaxBytesUnderWay = 512 * 1024;

    /// <summary>Time between the server's pings. Below the shortest idle limit (60 s) that clients report of proxies.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Silence, no frame and no pong, after which a connection counts as dead: three pings unanswered.</summary>
    public TimeSpan DeadAfter { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>
    /// Time a client may acknowledge nothing while bytes wait for it; then 1008. The service documents the close but not the time.
    /// One ping interval: longer than TCP needs to recover from a lost burst, short enough that the shell is not held up for long.
    /// </summary>
    public TimeSpan WriteStall { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Time that output waits behind the confirmation unless the client speaks first: one official client loses what arrives in the
    /// same read as the confirmation, and 50 ms was measured to be enough for it.
    /// </summary>
    public TimeSpan OutputHold { get; init; } = TimeSpan.FromMilliseconds(100);
}
