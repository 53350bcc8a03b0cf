using System.Diagnostics.CodeAnalysis;

namespace Porthole.Protocol.Aws;

/// <summary>
/// The target of a request line, read from the bytes as sent: a framework's decoded path leaves <c>%2F</c> but decodes <c>%3A</c>,
/// and neither routing nor a signature survives that.
/// </summary>
public sealed class RequestTarget
{
    private const string Prefix = "/runtimes/";

    // No suffix is the end of another one, so their order does not matter.
    private static readonly (string Suffix, DataPlaneOperation Operation)[] Operations =
    [
        ("/invocations", DataPlaneOperation.InvokeAgentRuntime),
        ("/commands", DataPlaneOperation.InvokeAgentRuntimeCommand),
        ("/stopruntimesession", DataPlaneOperation.StopRuntimeSession),
        ("/ws", DataPlaneOperation.InvokeAgentRuntimeWithWebSocketStream),
        ("/ws/shells", DataPlaneOperation.InvokeAgentRuntimeCommandShell),
        ("/invocations/.well-known/agent-card.json", DataPlaneOperation.GetAgentCard),
        ("/invocations/.well-known/oauth-protected-resource", DataPlaneOperation.GetProtectedResourceMetadata),
    ];

    private RequestTarget(string rawPath, string rawQuery, QueryParameters query, DataPlaneOperation operation, string runtime)
    {
        RawPath = rawPath;
        RawQuery = rawQuery;
        Query = query;
        Operation = operation;
        Runtime = runtime;
    }

    /// <summary>The path as sent, percent-encoding and all.</summary>
    public string RawPath { get; }

    /// <summary>The query as sent, without the question mark; empty when there is none.</summary>
    public string RawQuery { get; }

    /// <summary>The query's parameters, decoded once.</summary>
    public QueryParameters Query { get; }

    /// <summary>The data-plane operation, or <see cref="DataPlaneOperation.None"/> for every other path.</summary>
    public DataPlaneOperation Operation { get; }

    /// <summary>
    /// What stands between <c>/runtimes/</c> and the operation, decoded once: an ARN or a bare runtime id, not yet checked.
    /// Empty without an operation.
    /// </summary>
    public string Runtime { get; }

    /// <summary>Reads a request target in origin form (<c>/path?query</c>) or absolute form (<c>https://host/path?query</c>).</summary>
    /// <param name="rawTarget">The target as sent.</param>
    /// <param name="target">The parts, when the result is true.</param>
    /// <returns>False when it has neither form, or the runtime or the query is not valid percent-encoding of UTF-8.</returns>
    public static bool TryParse(string rawTarget, [NotNullWhen(true)] out RequestTarget? target)
    {
        ArgumentNullException.ThrowIfNull(rawTarget);
        target = null;
        var rest = WithoutAuthority(rawTarget);
        if (!rest.StartsWith('/')) return false;
        var question = rest.IndexOf('?');
        var path = question < 0 ? rest : rest[..question];
        var rawQuery = question < 0 ? default : rest[(question + 1)..];
        if (!QueryParameters.TryParse(rawQuery, out var query)) return false;
        var operation = Route(path, out var rawRuntime);
        if (!PercentEncoding.TryDecode(rawRuntime, out var runtime)) return false;
        target = new RequestTarget(path.ToString(), rawQuery.ToString(), query, operation, runtime);
        return true;
    }

    private static ReadOnlySpan<char> WithoutAuthority(ReadOnlySpan<char> target)
    {
        var scheme = target.IndexOf("://");
        if (scheme <= 0 || target.StartsWith('/')) return target;
        var authority = target[(scheme + 3)..];
        var end = authority.IndexOfAny('/', '?');
        return end < 0 ? default : authority[end..];
    }

    // A client may leave an ARN unencoded, so the runtime can hold slashes: it is all that the prefix and the suffix leave.
    private static DataPlaneOperation Route(ReadOnlySpan<char> path, out ReadOnlySpan<char> rawRuntime)
    {
        rawRuntime = default;
        if (!path.StartsWith(Prefix)) return DataPlaneOperation.None;
        foreach (var (suffix, operation) in Operations)
        {
            if (path.Length <= Prefix.Length + suffix.Length || !path.EndsWith(suffix)) continue;
            rawRuntime = path[Prefix.Length..^suffix.Length];
            return operation;
        }

        return DataPlaneOperation.None;
    }
}
