using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Porthole.Server.Store;

namespace Porthole.Server.Audit;

/// <summary>Reads the audit trail of a data directory, whether a server runs on it or not.</summary>
public static class AuditReader
{
    // Nobody announces that another process has written to a file; as tail(1) does where it cannot be told.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>The wanted lines, in the order in which they were written: that of the calls' ends.</summary>
    /// <param name="data">The data directory.</param>
    /// <param name="filter">Which lines.</param>
    /// <param name="follow">Whether to wait for further lines when all were read.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="UnauthorizedAccessException">The files belong to somebody else.</exception>
    public static async IAsyncEnumerable<JsonElement> ReadAsync(
        DataDirectory data, AuditFilter filter, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(filter);
        AuditFileReader? file = null;
        string? last = null;
        try
        {
            while (true)
            {
                // Looked for before the last lines of this one are read: nothing is written to a file once the next one is there.
                var next = NextFile(data, filter, after: last);
                while (file is not null && file.ReadLine() is { } line)
                {
                    if (Parse(line.Span) is { } json && filter.Matches(json))
                        yield return json;
                }

                if (next is not null)
                {
                    file?.Dispose();
                    file = AuditFileReader.Open(next);
                    last = next;
                    continue;
                }

                if (!follow)
                    yield break;
                await Task.Delay(Look, cancellationToken);
            }
        }
        finally
        {
            file?.Dispose();
        }
    }

    private static string? NextFile(DataDirectory data, AuditFilter filter, string? after)
    {
        var firstDay = filter.Since?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "";
        return AuditFiles.List(data.AuditPath).FirstOrDefault(path =>
            string.CompareOrdinal(Path.GetFileName(path), firstDay) >= 0 && (after is null || string.CompareOrdinal(path, after) > 0));
    }

    // Half a line is what a crashed host leaves.
    private static JsonElement? Parse(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        try
        {
            return JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
