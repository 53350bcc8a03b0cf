namespace Porthole.Server.Tests;

/// <summary>A clock that a test moves.</summary>
internal sealed class ManualTime(DateTimeOffset start) : TimeProvider
{
    private TimeSpan _passed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => start + _passed;

    public override long GetTimestamp() => _passed.Ticks;

    internal void Advance(TimeSpan time) => _passed += time;
}
