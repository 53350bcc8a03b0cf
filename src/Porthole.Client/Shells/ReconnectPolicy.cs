namespace Porthole.Client;

/// <summary>
/// How to come back after a drop. The defaults are those of the official SDKs: rounds of five attempts, the first at once, a pause between
/// rounds, and an end to it.
/// </summary>
public sealed record ReconnectPolicy
{
    /// <summary>The official SDKs' values.</summary>
    public static ReconnectPolicy Default { get; } = new();

    /// <summary>The wait after each failed attempt of a round; as many attempts as entries. 1, 2, 4, 8 and 15 s.</summary>
    public IReadOnlyList<TimeSpan> Delays { get; init; } =
        [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(15)];

    /// <summary>Part of each delay by which it is varied up or down, 0 to 1, so that many clients do not return in one instant. 0.25.</summary>
    public double Jitter { get; init; } = 0.25;

    /// <summary>The wait between two rounds, on top of the last delay. 30 s.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time since the drop after which it is given up; null for never. 900 s.</summary>
    public TimeSpan? Window { get; init; } = TimeSpan.FromSeconds(900);

    /// <summary>Time for one attempt, from the TCP connect to the confirmation. 30 s: long enough for a session that has to be adopted first.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
