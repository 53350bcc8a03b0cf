using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Protocol.Shells;
using Porthole.Server.Audit;
using Porthole.Server.Sessions;
using Porthole.Server.Store;

namespace Porthole.Server.Api;

/// <summary>POST /runtimes/{rt}/stopruntimesession (contract section 10).</summary>
internal sealed class StopEndpoint(SessionManager sessions)
{
    public async Task HandleAsync(HttpContext context, DataPlaneRequest request)
    {
        var sessionId = request.SessionIdOf(context)
            ?? throw new AwsException(AwsError.InvalidField(SessionId.HeaderName, "The session id is required."));
        ApiCall.Of(context).SessionId = sessionId;
        var session = sessions.Find(request.KeyOf(sessionId))
            ?? throw new AwsException(AwsError.NotFound($"Session '{sessionId}' does not exist or has already ended."));
        await sessions.StopAsync(session, SessionEnd.Stopped, "the session was stopped");
        context.Response.Headers[SessionId.HeaderName] = sessionId;
        context.Response.ContentType = AwsError.ContentType;
        await context.Response.WriteAsync("{}", context.RequestAborted);
    }
}
