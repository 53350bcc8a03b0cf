namespace Porthole.Client;

/// <summary>When to try again after one drop, by a <see cref="ReconnectPolicy"/>.</summary>
internal sealed class ReconnectSchedule(ReconnectPolicy policy, TimeProvider time)
{
    private readonly long _droppedAt = time.GetTimestamp();

    /// <summary>Attempts handed out so far.</summary>
    internal int Attempts { get; private set; }

    /// <summary>Whether the window is over.</summary>
    internal bool IsOver => Remaining <= TimeSpan.Zero;

    private TimeSpan Remaining => policy.Window is { } window ? window - time.GetElapsedTime(_droppedAt) : TimeSpan.MaxValue;

    /// <summary>The wait before the next attempt: none before the first. Cut to what is left of the window.</summary>
    internal TimeSpan Next()
    {
        var failed = Attempts++;
        if (failed == 0) return TimeSpan.Zero;
        var place = (failed - 1) % policy.Delays.Count;
        var wait = Vary(policy.Delays[place]);
        if (place == policy.Delays.Count - 1) wait += policy.Pause;
        var remaining = Remaining;
        return wait < remaining ? wait : TimeSpan.FromTicks(Math.Max(0, remaining.Ticks));
    }

#pragma warning disable CA5394 // Spreads load; nobody gains by guessing it.
    private TimeSpan Vary(TimeSpan delay) => delay * (1 + (policy.Jitter * ((Random.Shared.NextDouble() * 2) - 1)));
#pragma warning restore CA5394
}
