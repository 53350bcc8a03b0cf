using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Server.Audit;
using Porthole.Server.Auth;
using Porthole.Server.Control;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Api;

/// <summary>
/// Every route of the server on one screen, the control plane's in <see cref="ControlPlane"/>, and what is asked before any of them: who calls,
/// and for what.
/// </summary>
internal sealed class Routes(
    SigV4Authenticator authenticator, DeploymentLookup deployments, ShellEndpoint shells, CommandEndpoint commands, StopEndpoint stop, AdminEndpoints admin,
    ControlPlane control, ILogger<Routes> log)
{
    // A command of 64 KB, each byte of it escaped as \u00XX, and then some.
    private const int MaxBodyBytes = 1024 * 1024;

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            await RouteAsync(context);
        }
        catch (AwsException e) when (!context.Response.HasStarted)
        {
            await AwsErrorResponse.WriteAsync(context, e.Error);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            await AwsErrorResponse.WriteAsync(context, AwsError.CannotParse(e.Message));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left; there is nobody to answer.
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            ApiLog.Failed(log, context.TraceIdentifier, e);
            await AwsErrorResponse.WriteAsync(context, AwsError.Internal($"The server failed. Its log has the reason under request {context.TraceIdentifier}."));
        }
    }

    private Task RouteAsync(HttpContext context)
    {
        if (!RawTarget.TryRead(context, out var target, out var error))
            throw new AwsException(error);
        return (target.Operation, target.RawPath) switch
        {
            (_, "/healthz") => context.Response.WriteAsync("ok\n", context.RequestAborted),
            (_, "/porthole/v1/sessions") => AdminAsync(context, target, "ListSessions", "GET", admin.ListSessionsAsync),
            (_, "/porthole/v1/shutdown") => AdminAsync(context, target, "ShutDownServer", "POST", admin.ShutDownAsync),
            (DataPlaneOperation.InvokeAgentRuntimeCommandShell, _) => RuntimeAsync(context, target, "GET", shells.HandleAsync),
            (DataPlaneOperation.InvokeAgentRuntimeCommand, _) => RuntimeAsync(context, target, "POST", commands.HandleAsync),
            (DataPlaneOperation.StopRuntimeSession, _) => RuntimeAsync(context, target, "POST", stop.HandleAsync),
            (DataPlaneOperation.None, _) when control.Find(context.Request.Method, target) is var (operation, path) => ControlAsync(context, target, operation, path),
            _ => throw new AwsException(AwsError.UnknownOperation($"{context.Request.Method} {target.RawPath} is no operation of this server.")),
        };
    }

    private async Task AdminAsync(HttpContext context, RequestTarget target, string operation, string method, Func<HttpContext, Task> handle)
    {
        ApiCall.Of(context).Operation = operation;
        _ = await AuthenticateAsync(context, target, method);
        await handle(context);
    }

    private async Task RuntimeAsync(HttpContext context, RequestTarget target, string method, Func<HttpContext, DataPlaneRequest, Task> handle)
    {
        var call = ApiCall.Of(context);
        call.Operation = target.Operation.ToString();
        var (caller, body) = await AuthenticateAsync(context, target, method);
        var deployment = await deployments.FindAsync(target, context.RequestAborted);
        call.ResourceArn = deployment.Runtime.Arn.ToString();
        call.RequestParameters["qualifier"] = deployment.Endpoint;
        await handle(context, new DataPlaneRequest(context.TraceIdentifier, target, deployment, caller.AccessKeyId, body));
    }

    private async Task ControlAsync(HttpContext context, RequestTarget target, ControlOperation operation, ControlPath path)
    {
        var call = ApiCall.Of(context);
        call.Operation = operation.Name;
        call.ResourceArn = control.ResourcesOf(path)[^1];
        var (_, body) = await AuthenticateAsync(context, target, operation.Method);
        await ControlPlane.HandleAsync(context, operation, path, target, body);
    }

    private async Task<(Caller Caller, ReadOnlyMemory<byte> Body)> AuthenticateAsync(HttpContext context, RequestTarget target, string method)
    {
        if (context.Request.Method != method)
            throw new AwsException(AwsError.MethodNotAllowed(method));
        var body = method == "GET" ? default : await ReadBodyAsync(context);
        if (!authenticator.TryAuthenticate(context, target, SigV4.Sha256Hex(body.Span), out var caller, out var error))
            throw new AwsException(error);
        ApiCall.Of(context).Caller = caller;
        return (caller, body);
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxBodyBytes;
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }
}
