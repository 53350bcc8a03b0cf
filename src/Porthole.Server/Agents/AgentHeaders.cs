using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Api;

namespace Porthole.Server.Agents;

/// <summary>Which headers of a request reach the agent, and which of its answer reach the client (contract sections 2.2 and 9.2).</summary>
internal static class AgentHeaders
{
    /// <summary>What a header or query parameter begins with that a client makes up for its agent.</summary>
    public const string CustomPrefix = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-";

    private const string RequestId = "X-Amzn-Bedrock-AgentCore-Runtime-Request-Id";
    private const int MaxValueBytes = 4096;

    // Both ways: traces, and the sessions of MCP.
    private static readonly string[] Shared = ["traceparent", "tracestate", "baggage", "X-Amzn-Trace-Id", "Mcp-Session-Id", "Mcp-Protocol-Version"];
    private static readonly string[] Inward = [.. Shared, "Mcp-Method", "Mcp-Name", "Accept"];

    // Never passed on, allowed or not: they speak of this connection, of who is on it, or of what is set here.
    private static readonly string[] Forbidden =
    [
        "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "via", "forwarded", "cookie", "set-cookie", "origin",
        "content-length", "content-type", "content-encoding", "content-md5", "x-real-ip", "true-client-ip", "cf-connecting-ip", "date",

        // An agent takes these for the platform's own word (contract section 9.2), which has none here: there are no workload identities.
        "workloadaccesstoken", "oauth2callbackurl",
    ];

    private static readonly string[] ForbiddenPrefixes = ["x-amz-", "x-amzn-", "proxy-", "x-forwarded-", "access-control-", "sec-websocket-"];

    /// <summary>Sets the headers of a request to an agent.</summary>
    /// <param name="context">The client's request.</param>
    /// <param name="request">What it names.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="headers">Gets the headers.</param>
    /// <exception cref="AwsException">A value is too long.</exception>
    public static void CopyInward(HttpContext context, DataPlaneRequest request, string sessionId, HttpRequestHeaders headers)
    {
        headers.TryAddWithoutValidation(SessionId.HeaderName, sessionId);
        headers.TryAddWithoutValidation(RequestId, request.Id);
        var allowed = request.Deployment.Configuration.RequestHeaderConfiguration?.RequestHeaderAllowlist ?? [];
        foreach (var (name, lines) in context.Request.Headers)
        {
            var isCustom = name.StartsWith(CustomPrefix, StringComparison.OrdinalIgnoreCase);
            if (!isCustom && !Contains(Inward, name) && !(Contains(allowed, name) && MayPass(request, name)))
                continue;
            foreach (var line in lines)
                Add(headers, name, line ?? "", isCustom || Contains(allowed, name));
        }
    }

    /// <summary>Sets the headers that a client puts into the query, where it cannot set headers: that of a WebSocket.</summary>
    /// <exception cref="AwsException">A value is too long, or cannot be a header's.</exception>
    public static void CopyQueryInward(DataPlaneRequest request, HttpRequestHeaders headers)
    {
        foreach (var (name, value) in request.Target.Query.All)
        {
            if (!name.StartsWith(CustomPrefix, StringComparison.OrdinalIgnoreCase) || headers.Contains(name))
                continue;
            if (value.Any(char.IsControl))
                throw new AwsException(AwsError.InvalidField(name, $"{name} holds characters that no header can hold."));
            Add(headers, name, value, isLimited: true);
        }
    }

    /// <summary>Sets the headers of the answer to a client.</summary>
    public static void CopyOutward(HttpResponseMessage answer, string sessionId, HttpResponse response)
    {
        foreach (var name in Shared)
        {
            if (answer.Headers.TryGetValues(name, out var values))
                response.Headers[name] = values.ToArray();
        }

        response.Headers[SessionId.HeaderName] = sessionId;
        if (answer.Content.Headers.ContentType is { } type)
            response.ContentType = type.ToString();
        else if (answer.Content.Headers.TryGetValues("Content-Type", out var unusual))
            response.ContentType = unusual.First();
        if (answer.Content.Headers.ContentEncoding.Count > 0)
            response.Headers.ContentEncoding = answer.Content.Headers.ContentEncoding.ToArray();
        response.ContentLength = answer.Content.Headers.ContentLength;
    }

    // A token goes in only where the runtime asks for tokens: a signature says nothing to an agent, and is nobody else's business.
    private static bool MayPass(DataPlaneRequest request, string name) =>
        name.Equals("Authorization", StringComparison.OrdinalIgnoreCase)
            ? request.Deployment.Configuration.AuthorizerConfiguration?.CustomJWTAuthorizer is not null
            : !Contains(Forbidden, name) && !ForbiddenPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    private static void Add(HttpRequestHeaders headers, string name, string value, bool isLimited)
    {
        if (isLimited && Encoding.UTF8.GetByteCount(value) > MaxValueBytes)
            throw new AwsException(AwsError.InvalidField(name, $"{name} must be at most {MaxValueBytes} bytes long."));
        headers.TryAddWithoutValidation(name, value);
    }

    private static bool Contains(IEnumerable<string> names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);
}
