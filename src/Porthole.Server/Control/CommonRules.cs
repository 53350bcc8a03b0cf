using System.Text.RegularExpressions;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Control;

/// <summary>Limits that several operations share (contract section 12.1; the patterns are the service model's).</summary>
internal static partial class CommonRules
{
    private const int MaxTags = 50;

    /// <summary>A runtime's or an endpoint's name.</summary>
    public static TextRule Name { get; } = new(1, 48, NamePattern(), "a letter, then letters, digits or '_'");

    /// <summary>A version, which the wire has as text.</summary>
    public static TextRule Version { get; } = new(1, 5, VersionPattern(), "a number from 1 on");

    /// <summary>A token by which a repeated request is known.</summary>
    public static TextRule ClientToken { get; } = new(33, 256, ClientTokenPattern(), "letters, digits and '-', neither first nor last a '-'");

    /// <summary>A tag's key.</summary>
    public static TextRule TagKey { get; } = new(1, 128, TagPattern(), TagMeaning);

    private const string TagMeaning = "letters, digits, spaces and any of ._:/=+@-";

    private static readonly TextRule TagValue = new(0, 256, TagPattern(), TagMeaning);

    /// <summary>Reads <c>tags</c>; null when it is not there.</summary>
    public static SortedDictionary<string, string>? ReadTags(RequestFields fields)
    {
        var tags = fields.Map("tags", MaxTags, TagKey, TagValue);
        if (tags is not null && (IsolationTag.Problem(tags) ?? IdleTag.Problem(tags)) is { } problem)
            fields.Fail("tags", problem);
        return tags;
    }

    [GeneratedRegex(@"\A[a-zA-Z][a-zA-Z0-9_]*\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\A[1-9][0-9]*\z")]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"\A[a-zA-Z0-9](-*[a-zA-Z0-9])*\z")]
    private static partial Regex ClientTokenPattern();

    [GeneratedRegex(@"\A[a-zA-Z0-9\s._:/=+@-]*\z")]
    private static partial Regex TagPattern();
}
