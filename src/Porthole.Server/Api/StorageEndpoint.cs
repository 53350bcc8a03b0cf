using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Audit;
using Porthole.Server.Sessions;
using Porthole.Server.Store;

namespace Porthole.Server.Api;

/// <summary>
/// DELETE /porthole/v1/storage: removes what an ended session stored, so that its id begins with nothing. <c>runtime</c> is an ARN,
/// <c>qualifier</c> an endpoint, <c>sessionId</c> the session.
/// </summary>
internal sealed class StorageEndpoint(SessionStorage storage, SessionManager sessions)
{
    public Task DeleteAsync(HttpContext context, AdminRequest request)
    {
        if (!RuntimeArn.TryParse(Parameter(request, "runtime") ?? "", out var arn))
            throw new AwsException(AwsError.InvalidField("runtime", "runtime is required and must be a runtime's ARN."));
        if (Parameter(request, "sessionId") is not { } id || !SessionId.IsValid(id))
            throw new AwsException(AwsError.InvalidField("sessionId", "sessionId is required and must be a session's id."));
        var key = new SessionKey(arn.Id, Parameter(request, "qualifier") ?? AgentRuntime.DefaultEndpoint, id);
        ApiCall.Of(context).SessionId = id;
        if (sessions.Find(key) is not null)
            throw new AwsException(AwsError.Conflict($"Session '{id}' has not ended: stop it first."));
        if (!storage.Remove(key))
            throw new AwsException(AwsError.NotFound($"Session '{id}' has stored nothing."));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static string? Parameter(AdminRequest request, string name) =>
        request.Target.Query.TryGetOnly(name, out var value) ? value : throw new AwsException(AwsError.InvalidField(name, $"{name} was given more than once."));
}
