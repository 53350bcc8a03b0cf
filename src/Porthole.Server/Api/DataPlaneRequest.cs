using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Auth;
using Porthole.Server.Runtimes;
using Porthole.Server.Sessions;

namespace Porthole.Server.Api;

/// <summary>A data-plane request whose caller, runtime and endpoint are known and allowed.</summary>
/// <param name="Id">The id that the client got in <c>x-amzn-RequestId</c>.</param>
/// <param name="Target">The request line, parsed.</param>
/// <param name="Deployment">The runtime, endpoint and version that it names.</param>
/// <param name="Caller">Who calls.</param>
/// <param name="Body">The body, read in full for its signature; empty for upgrades.</param>
internal sealed record DataPlaneRequest(
    string Id, RequestTarget Target, Deployment Deployment, Caller Caller, ReadOnlyMemory<byte> Body)
{
    /// <summary>Who calls: an access key's id, or the subject of a token.</summary>
    public string Principal => Caller.Principal;

    /// <summary>The session's id from the header or from the query parameter of the same name; null when neither is there.</summary>
    /// <exception cref="AwsException">The id is malformed, or the two differ.</exception>
    public string? SessionIdOf(HttpContext context)
    {
        var header = context.Request.Headers[SessionId.HeaderName];
        if (header.Count > 1 || !Target.Query.TryGetOnly(SessionId.HeaderName, out var query))
            throw new AwsException(AwsError.InvalidField(SessionId.HeaderName, "The session id was given more than once."));
        var fromHeader = header.Count == 0 ? null : header[0];

        // Whoever was given a presigned URL may use what it says, and choose nothing beside it.
        if (fromHeader is not null && query is null && Caller is AccessKeyCaller { Presigned: true } presigned && !presigned.Signed(SessionId.HeaderName))
            throw new AwsException(AwsError.AccessDenied("With a presigned URL the session id has to be in the URL: the signature does not cover the header."));
        if (fromHeader is not null && query is not null && fromHeader != query)
            throw new AwsException(AwsError.InvalidField(SessionId.HeaderName, "The session id in the header differs from the one in the query."));
        var id = fromHeader ?? query;
        return id is null || SessionId.IsValid(id) ? id : throw new AwsException(AwsError.InvalidField(SessionId.HeaderName,
            $"A session id is {SessionId.MinLength} to {SessionId.MaxLength} letters, digits, '-' and '_', beginning with a letter or digit."));
    }

    public SessionKey KeyOf(string sessionId) => new(Deployment.Runtime.Id, Deployment.Endpoint, sessionId);
}
