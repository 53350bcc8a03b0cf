using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Server.Audit;
using Porthole.Server.Auth;
using Porthole.Server.Control;
using Porthole.Server.Images;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Api;

/// <summary>
/// Every route of the server on one screen, the control plane's in <see cref="ControlPlane"/>, and what is asked before any of them: who calls,
/// and for what.
/// </summary>
internal sealed class Routes(
    ServerOptions options, SigV4Authenticator signatures, BearerAuthenticator bearers, Authorizer authorizer, DeploymentLookup deployments, ShellEndpoint shells, CommandEndpoint commands, StopEndpoint stop,
    AdminEndpoints admin, CredentialsEndpoint credentials, ImageEndpoints images, ControlPlane control, ControlRates rates, InvocationEndpoint invocations, AgentSocketEndpoint sockets,
    LogsEndpoint logs, ProgressEndpoint progress, StorageEndpoint storage, SuspensionEndpoints suspension, DataDirectory data, ILogger<Routes> log)
{
    // A command of 64 KB, each byte of it escaped as \u00XX, and then some.
    private const int MaxBodyBytes = 1024 * 1024;

    // What is too long is read to this length all the same and thrown away: a client that is still sending when the connection closes
    // sees a broken pipe instead of the reason.
    private const int MaxDrainedBytes = 16 * MaxBodyBytes;

    private const string UserIdHeader = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id";

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
            // There is nobody to answer.
            ApiCall.Of(context).ClientLeft();
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
            (_, "/porthole/v1/sessions") => AdminAsync(context, target, "ListSessions", "GET", "server", admin.ListSessionsAsync),
            (_, "/porthole/v1/sessions/suspend") => AdminAsync(context, target, "SuspendSession", "POST", "sessions", suspension.SuspendAsync),
            (_, "/porthole/v1/sessions/resume") => AdminAsync(context, target, "ResumeSession", "POST", "sessions", suspension.ResumeAsync),
            (_, "/porthole/v1/shutdown") => AdminAsync(context, target, "ShutDownServer", "POST", "server", admin.ShutDownAsync),
            (_, "/porthole/v1/images") => AdminAsync(context, target, "ListImages", "GET", "images", images.ListAsync),
            (_, "/porthole/v1/images/pull") => AdminAsync(context, target, "PullImage", "POST", "images", images.PullAsync),
            (_, "/porthole/v1/images/prune") => AdminAsync(context, target, "PruneImages", "POST", "images", images.PruneAsync),
            (_, "/porthole/v1/logs") => AdminAsync(context, target, "GetAgentLog", "GET", "logs", logs.HandleAsync),
            (_, "/porthole/v1/storage") => AdminAsync(context, target, "DeleteSessionStorage", "DELETE", "storage", storage.DeleteAsync),
            (_, "/porthole/v1/progress") => WatchAsync(context, target),
            (_, "/porthole/v1/credentials") when context.Request.Method == "GET" =>
                AdminAsync(context, target, "ListCredentials", "GET", "credentials/*", credentials.ListAsync),
            (_, "/porthole/v1/credentials") => AdminAsync(context, target, "CreateCredentials", "POST", "credentials/*", credentials.CreateAsync),
            (_, var path) when path.StartsWith(CredentialsEndpoint.ItemPrefix, StringComparison.Ordinal) =>
                AdminAsync(context, target, "RevokeCredentials", "DELETE", $"credentials/{path[CredentialsEndpoint.ItemPrefix.Length..]}", credentials.RevokeAsync),
            (DataPlaneOperation.InvokeAgentRuntimeCommandShell, _) => RuntimeAsync(context, target, "GET", shells.HandleAsync),
            (DataPlaneOperation.InvokeAgentRuntimeCommand, _) => RuntimeAsync(context, target, "POST", commands.HandleAsync),
            (DataPlaneOperation.StopRuntimeSession, _) => RuntimeAsync(context, target, "POST", stop.HandleAsync),
            (DataPlaneOperation.InvokeAgentRuntime, _) => InvokeAsync(context, target),
            (DataPlaneOperation.InvokeAgentRuntimeWithWebSocketStream, _) => RuntimeAsync(context, target, "GET", sockets.HandleAsync),
            (DataPlaneOperation.GetAgentCard, _) => RuntimeAsync(context, target, "GET", invocations.GetCardAsync),
            (DataPlaneOperation.None, _) when control.Find(context.Request.Method, target) is var (operation, path) => ControlAsync(context, target, operation, path),
            (DataPlaneOperation.GetProtectedResourceMetadata, _) => WriteResourceMetadataAsync(context, target),
            _ => throw new AwsException(AwsError.UnknownOperation($"{context.Request.Method} {target.RawPath} is no operation of this server.")),
        };
    }

    private async Task AdminAsync(
        HttpContext context, RequestTarget target, string operation, string method, string resource, Func<HttpContext, AdminRequest, Task> handle)
    {
        var call = ApiCall.Of(context);
        call.Operation = operation;
        var body = await ReadBodyAsync(context, method);
        var caller = call.Caller = AuthenticateBySignature(context, target, SigV4.Sha256Hex(body.Span));
        var arn = authorizer.OwnArn(resource);
        await authorizer.DemandAsync(context, caller, Actions.OfServer(operation), arn);
        call.ResourceArn = arn;
        await handle(context, new AdminRequest(target, caller, body));
    }

    private async Task RuntimeAsync(HttpContext context, RequestTarget target, string method, Func<HttpContext, DataPlaneRequest, Task> handle)
    {
        ApiCall.Of(context).Operation = target.Operation.ToString();
        var body = await ReadBodyAsync(context, method);
        await handle(context, await AdmitAsync(context, target, SigV4.Sha256Hex(body.Span)) with { Body = body });
    }

    // Its body may be far too long for memory, so it is not read before it is wanted.
    private async Task InvokeAsync(HttpContext context, RequestTarget target)
    {
        ApiCall.Of(context).Operation = target.Operation.ToString();
        CheckMethod(context, "POST");
        await using var body = await InvocationBody.OpenAsync(context, data.SpoolPath);
        await invocations.InvokeAsync(context, await AdmitAsync(context, target, body.Sha256), body);
    }

    private async Task<DataPlaneRequest> AdmitAsync(HttpContext context, RequestTarget target, string bodySha256)
    {
        var call = ApiCall.Of(context);

        // The runtime says who may prove themselves how. Whether there is one is told to those only who may use it.
        var finding = deployments.FindAsync(target, context.RequestAborted);
        await ((Task)finding).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var tokens = finding.IsCompletedSuccessfully ? (await finding).Tokens : null;
        Caller caller = tokens is null
            ? AuthenticateBySignature(context, target, bodySha256)
            : await bearers.AuthenticateAsync(context, target, deployments.NameOf(target), tokens);
        call.Caller = caller;
        foreach (var action in ActionsOf(context, target, caller))
            await authorizer.DemandAsync(context, caller, action, deployments.NameOf(target).ResourceArns);

        var deployment = (await finding).Demand();
        call.ResourceArn = deployment.Runtime.Arn.ToString();
        call.RequestParameters["qualifier"] = deployment.Endpoint;
        return new DataPlaneRequest(context.TraceIdentifier, target, deployment, caller, default);
    }

    private async Task ControlAsync(HttpContext context, RequestTarget target, ControlOperation operation, ControlPath path)
    {
        var call = ApiCall.Of(context);
        call.Operation = operation.Name;
        var resources = control.ResourcesOf(path);
        call.ResourceArn = resources[^1];
        var body = await ReadBodyAsync(context, operation.Method);
        var caller = call.Caller = AuthenticateBySignature(context, target, SigV4.Sha256Hex(body.Span));
        await authorizer.DemandAsync(context, caller, Actions.Of(operation.Name), resources);
        rates.Take(operation.Name);
        await ControlPlane.HandleAsync(context, operation, path, target, body);
    }

    // Whoever may ask for a runtime's state may watch it.
    private async Task WatchAsync(HttpContext context, RequestTarget target)
    {
        var call = ApiCall.Of(context);
        call.Operation = "WatchAgentRuntime";
        CheckMethod(context, "GET");
        if (!target.Query.TryGetOnly("runtimeId", out var id) || id is null || !RuntimeArn.IsRuntimeId(id))
            throw new AwsException(AwsError.InvalidField("runtimeId", "runtimeId is required once and must be a runtime's id."));
        var resources = control.ResourcesOf(new ControlPath(id));
        call.ResourceArn = resources[^1];
        var caller = call.Caller = AuthenticateBySignature(context, target, SigV4.EmptySha256);
        await authorizer.DemandAsync(context, caller, Actions.Of("GetAgentRuntime"), resources);
        await progress.HandleAsync(context, id);
    }

    private AccessKeyCaller AuthenticateBySignature(HttpContext context, RequestTarget target, string bodySha256) =>
        signatures.TryAuthenticate(context, target, bodySha256, out var caller, out var error) ? caller : throw new AwsException(error);

    // To speak for a user takes an action of its own (contract section 1.2), and a name that nobody on the way can have changed.
    private static IEnumerable<string> ActionsOf(HttpContext context, RequestTarget target, Caller caller)
    {
        yield return Actions.Of(target.Operation);
        var mayNameUser = target.Operation is DataPlaneOperation.InvokeAgentRuntime or DataPlaneOperation.InvokeAgentRuntimeWithWebSocketStream;
        if (!mayNameUser || !context.Request.Headers.ContainsKey(UserIdHeader))
            yield break;
        if (caller is AccessKeyCaller key && !key.Signed(UserIdHeader))
            throw new AwsException(AwsError.AccessDenied($"The signature does not cover the header {UserIdHeader}."));
        yield return Actions.Of(target.Operation) + Actions.ForUser;
    }

    // Nobody has to prove anything for it: it says where to get the proof.
    private async Task WriteResourceMetadataAsync(HttpContext context, RequestTarget target)
    {
        if (context.Request.Method != "GET")
            throw new AwsException(AwsError.MethodNotAllowed("GET"));
        if ((await deployments.FindAsync(target, context.RequestAborted)).Tokens is not { } tokens)
            throw new AwsException(AwsError.NotFound("There is no runtime here that takes bearer tokens."));
        context.Response.ContentType = AwsError.ContentType;
        await context.Response.Body.WriteAsync(ProtectedResource.Metadata(context.Request, options.PublicUrl, deployments.NameOf(target), tokens), context.RequestAborted);
    }

    private static void CheckMethod(HttpContext context, string method)
    {
        if (context.Request.Method != method)
            throw new AwsException(AwsError.MethodNotAllowed(method));
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContext context, string method)
    {
        CheckMethod(context, method);
        if (method == "GET")
            return default;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxDrainedBytes;
        var declared = Math.Min(context.Request.ContentLength ?? 0, MaxBodyBytes);
        using var body = new MemoryStream((int)declared);
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            var read = 0L;
            for (int count; (count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0; read += count)
                body.Write(buffer, 0, (int)Math.Clamp(MaxBodyBytes - read, 0, count));
            return read <= MaxBodyBytes
                ? body.GetBuffer().AsMemory(0, (int)body.Length)
                : throw new AwsException(AwsError.CannotParse($"The body has {read} bytes, and {MaxBodyBytes} are the most that any operation takes."));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
