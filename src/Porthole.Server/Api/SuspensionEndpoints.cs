using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Audit;
using Porthole.Server.Sessions;
using Porthole.Server.Store;

namespace Porthole.Server.Api;

/// <summary>
/// POST /porthole/v1/sessions/suspend and /resume: writes a session to the disk, and reads it from there. <c>runtime</c> is an ARN,
/// <c>qualifier</c> an endpoint, <c>sessionId</c> the session.
/// </summary>
internal sealed class SuspensionEndpoints(SessionManager sessions)
{
    public Task SuspendAsync(HttpContext context, AdminRequest request) => AnswerAsync(context, request, sessions.SuspendAsync);

    public Task ResumeAsync(HttpContext context, AdminRequest request) =>
        AnswerAsync(context, request, session => SessionManager.ResumeAsync(session, context.RequestAborted));

    private async Task AnswerAsync(HttpContext context, AdminRequest request, Func<Session, Task> change)
    {
        var session = Find(request.Target);
        var call = ApiCall.Of(context);
        (call.SessionId, call.ResourceArn) = (session.Key.SessionId, session.Deployment.Runtime.Arn.ToString());
        await change(session);
        context.Response.Headers[SessionId.HeaderName] = session.Key.SessionId;
        context.Response.ContentType = AwsError.ContentType;
        await context.Response.WriteAsync("{}", context.RequestAborted);
    }

    private Session Find(RequestTarget target)
    {
        if (!RuntimeArn.TryParse(Parameter(target, "runtime") ?? "", out var arn))
            throw new AwsException(AwsError.InvalidField("runtime", "runtime is required and must be a runtime's ARN."));
        var sessionId = Parameter(target, "sessionId") ?? throw new AwsException(AwsError.InvalidField("sessionId", "sessionId is required."));
        var key = new SessionKey(arn.Id, Parameter(target, "qualifier") ?? AgentRuntime.DefaultEndpoint, sessionId);
        return sessions.Find(key) ?? throw new AwsException(AwsError.NotFound($"Session '{sessionId}' does not exist or has already ended."));
    }

    private static string? Parameter(RequestTarget target, string name) =>
        target.Query.TryGetOnly(name, out var value) ? value : throw new AwsException(AwsError.InvalidField(name, $"{name} was given more than once."));
}
