using System.Diagnostics.CodeAnalysis;

namespace Porthole.Protocol.Aws;

/// <summary>The parameters of a query, decoded once, in the order of the request. What was signed and what is used come from here alike.</summary>
public sealed class QueryParameters
{
    private readonly KeyValuePair<string, string>[] all;

    private QueryParameters(KeyValuePair<string, string>[] all) => this.all = all;

    /// <summary>No parameters.</summary>
    public static QueryParameters Empty { get; } = new([]);

    /// <summary>Every parameter, repeated names included.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> All => all;

    /// <summary>Reads a raw query.</summary>
    /// <param name="rawQuery">The bytes behind the question mark, without it.</param>
    /// <param name="query">The parameters, when the result is true.</param>
    /// <returns>False when a name or value is not valid percent-encoding of UTF-8.</returns>
    public static bool TryParse(ReadOnlySpan<char> rawQuery, [NotNullWhen(true)] out QueryParameters? query)
    {
        query = null;
        var found = new List<KeyValuePair<string, string>>();
        foreach (var range in rawQuery.Split('&'))
        {
            var pair = rawQuery[range];
            if (pair.IsEmpty) continue;
            var equals = pair.IndexOf('=');
            var rawName = equals < 0 ? pair : pair[..equals];
            var rawValue = equals < 0 ? default : pair[(equals + 1)..];
            if (!PercentEncoding.TryDecode(rawName, out var name) || !PercentEncoding.TryDecode(rawValue, out var value)) return false;
            found.Add(new(name, value));
        }

        query = new QueryParameters([.. found]);
        return true;
    }

    /// <summary>Looks a parameter up by its exact name.</summary>
    /// <param name="name">The name, case-sensitive.</param>
    /// <param name="value">Its value; null when the request does not have it.</param>
    /// <returns>False when the request has it more than once with different values, so that none can be believed.</returns>
    public bool TryGetOnly(string name, out string? value)
    {
        value = null;
        foreach (var (key, candidate) in all)
        {
            if (!string.Equals(key, name, StringComparison.Ordinal)) continue;
            if (value is not null && !string.Equals(value, candidate, StringComparison.Ordinal)) return false;
            value = candidate;
        }

        return true;
    }
}
