using System.Globalization;

namespace Porthole.Cli;

/// <summary>A moment as a person gives it: how long ago, or when.</summary>
internal static class AuditTime
{
    /// <summary>Reads an age (a number with s, m, h or d) or a time in ISO 8601, in UTC unless it has an offset.</summary>
    public static bool TryParse(string text, DateTimeOffset now, out DateTimeOffset time)
    {
        if (text.Length > 1 && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)
            && SecondsOf(text[^1]) is { } seconds && count * seconds < TimeSpan.FromDays(36_500).TotalSeconds)
        {
            time = now - TimeSpan.FromSeconds(count * seconds);
            return true;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
    }

    private static int? SecondsOf(char unit) => unit switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => null };
}
