namespace Porthole.Client;

/// <summary>
/// Keeps one connection below the service's 250 frames a second, above which it closes with 1008: a bucket of 40 frames that refills at 180
/// a second, so that no window of a second sees more than 220 and the network may bunch them by a tenth of a second. While a
/// frame waits its turn, input collects and goes out as one.
/// </summary>
internal sealed class FramePacer(TimeProvider time)
{
    private const double Capacity = 40;
    private const double PerSecond = 180;

    private long _filledAt = time.GetTimestamp();
    private double _tokens = Capacity;

    /// <summary>Takes the right to send a frame.</summary>
    /// <returns>Zero when it was taken; else the time to wait before asking again.</returns>
    internal TimeSpan Take()
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(Capacity, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * PerSecond));
        _filledAt = now;
        if (_tokens >= 1)
        {
            _tokens--;
            return TimeSpan.Zero;
        }

        // At least a millisecond: a timer rounds less down to nothing, and the caller would spin.
        return TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((1 - _tokens) / PerSecond * 1000)));
    }
}
