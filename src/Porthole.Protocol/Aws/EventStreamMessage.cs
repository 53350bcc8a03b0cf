namespace Porthole.Protocol.Aws;

/// <summary>A message of <c>application/vnd.amazon.eventstream</c>.</summary>
/// <param name="Headers">The headers with text values; others are left out, no client or server here uses them.</param>
/// <param name="Payload">The payload.</param>
public sealed record EventStreamMessage(IReadOnlyDictionary<string, string> Headers, ReadOnlyMemory<byte> Payload)
{
    /// <summary><c>event</c> or <c>exception</c>; null when absent.</summary>
    public string? MessageType => Headers.GetValueOrDefault(":message-type");

    /// <summary>The event's type, for instance <c>chunk</c>; null when absent.</summary>
    public string? EventType => Headers.GetValueOrDefault(":event-type");

    /// <summary>The exception's type, for instance <c>validationException</c>; null when absent.</summary>
    public string? ExceptionType => Headers.GetValueOrDefault(":exception-type");
}
