namespace Porthole.Bench;

/// <summary>How long each measurement of one round is. The short form shows that everything works, not how fast.</summary>
internal sealed record Settings(
    int EchoBytes,
    int TypedKeys,
    TimeSpan BulkTime,
    int Starts,
    int CrowdSessions,
    int CrowdKeys,
    int OtherFloods,
    long FloodBytes)
{
    public const int ShellsInSession = 10;

    /// <summary>20 keys a second: a fast typist, and a key repeat.</summary>
    public const long KeyInterval = 50 * Clock.Millisecond;

    public static readonly Settings Full = new(5_000, 120, TimeSpan.FromSeconds(2), 10, 10, 100, 4, 200_000_000);

    public static readonly Settings Quick = new(500, 30, TimeSpan.FromSeconds(0.5), 3, 2, 20, 2, 20_000_000);
}
