using System.Text.Json;

namespace Porthole.Server.Audit;

/// <summary>Which lines of the audit trail are wanted; null for all.</summary>
public sealed record AuditFilter
{
    /// <summary>The earliest time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The latest time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The operation, in any case of letters.</summary>
    public string? Event { get; init; }

    /// <summary>Who: an access key's id, or another name that the line has for its caller.</summary>
    public string? Principal { get; init; }

    /// <summary>The runtime session.</summary>
    public string? SessionId { get; init; }

    /// <summary>Only what was refused or failed.</summary>
    public bool Errors { get; init; }

    /// <summary>Whether a line is wanted.</summary>
    public bool Matches(JsonElement line) =>
        (Since is null || TimeOf(line) >= Since)
        && (Until is null || TimeOf(line) <= Until)
        && (Event is null || string.Equals(Text(line, "eventName"), Event, StringComparison.OrdinalIgnoreCase))
        && (SessionId is null || Text(line, "requestParameters", "runtimeSessionId") == SessionId)
        && (!Errors || Text(line, "errorCode") is not null)
        && (Principal is null || IsCaller(line));

    /// <summary>The text at a path of members; null when there is none.</summary>
    public static string? Text(JsonElement line, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (line.ValueKind != JsonValueKind.Object || !line.TryGetProperty(name, out line))
                return null;
        }

        return line.ValueKind switch
        {
            JsonValueKind.String => line.GetString(),
            JsonValueKind.Null or JsonValueKind.Undefined => null,
            _ => line.GetRawText(),
        };
    }

    private static DateTimeOffset TimeOf(JsonElement line) =>
        line.ValueKind == JsonValueKind.Object && line.TryGetProperty("eventTime", out var time) && time.TryGetDateTimeOffset(out var value) ? value : default;

    private bool IsCaller(JsonElement line) =>
        line.TryGetProperty("userIdentity", out var identity) && identity.ValueKind == JsonValueKind.Object
        && identity.EnumerateObject().Any(member => member.Name != "type" && member.Value.ValueKind == JsonValueKind.String && member.Value.GetString() == Principal);
}
