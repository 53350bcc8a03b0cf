using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Audit;

namespace Porthole.Server.Control;

/// <summary>Every operation of the control plane: its name, verb, path and success (contract section 12). The trailing slashes are the wire's.</summary>
internal sealed class ControlPlane(ServerOptions options, RuntimeOperations runtimes, EndpointOperations endpoints, ResourceOperations resources)
{
    private readonly ControlOperation[] _operations =
    [
        new("CreateAgentRuntime", "PUT", "/runtimes/", 202, runtimes.CreateAsync),
        new("ListAgentRuntimes", "POST", "/runtimes/", 200, runtimes.ListAsync),
        new("GetAgentRuntime", "GET", "/runtimes/{runtime}/", 200, runtimes.GetAsync),
        new("UpdateAgentRuntime", "PUT", "/runtimes/{runtime}/", 202, runtimes.UpdateAsync),
        new("DeleteAgentRuntime", "DELETE", "/runtimes/{runtime}/", 202, runtimes.DeleteAsync),
        new("ListAgentRuntimeVersions", "POST", "/runtimes/{runtime}/versions/", 200, runtimes.ListVersionsAsync),
        new("CreateAgentRuntimeEndpoint", "PUT", "/runtimes/{runtime}/runtime-endpoints/", 202, endpoints.CreateAsync),
        new("ListAgentRuntimeEndpoints", "POST", "/runtimes/{runtime}/runtime-endpoints/", 200, endpoints.ListAsync),
        new("GetAgentRuntimeEndpoint", "GET", "/runtimes/{runtime}/runtime-endpoints/{endpoint}/", 200, endpoints.GetAsync),
        new("UpdateAgentRuntimeEndpoint", "PUT", "/runtimes/{runtime}/runtime-endpoints/{endpoint}/", 202, endpoints.UpdateAsync),
        new("DeleteAgentRuntimeEndpoint", "DELETE", "/runtimes/{runtime}/runtime-endpoints/{endpoint}/", 202, endpoints.DeleteAsync),
        new("ListTagsForResource", "GET", "/tags/{arn}", 200, resources.ListTagsAsync),
        new("TagResource", "POST", "/tags/{arn}", 204, resources.TagAsync),
        new("UntagResource", "DELETE", "/tags/{arn}", 204, resources.UntagAsync),
        new("PutResourcePolicy", "PUT", "/resourcepolicy/{arn}", 201, resources.PutPolicyAsync),
        new("GetResourcePolicy", "GET", "/resourcepolicy/{arn}", 200, resources.GetPolicyAsync),
        new("DeleteResourcePolicy", "DELETE", "/resourcepolicy/{arn}", 204, resources.DeletePolicyAsync),
    ];

    /// <summary>The operation of a request, with what its path names; null when the path is none of the control plane's.</summary>
    /// <exception cref="AwsException">The path is known, under other verbs only, or names something that cannot exist.</exception>
    public (ControlOperation Operation, ControlPath Path)? Find(string method, RequestTarget target)
    {
        string? allowed = null;
        foreach (var operation in _operations)
        {
            if (!operation.TryMatch(target.RawPath, out var path))
                continue;
            if (operation.Method == method)
                return (operation, path);
            allowed = allowed is null ? operation.Method : $"{allowed} or {operation.Method}";
        }

        return allowed is null ? null : throw new AwsException(AwsError.MethodNotAllowed(allowed));
    }

    /// <summary>ARNs of what a path names: the runtime, its endpoint as well when one is named, or the resource itself. Policies have to allow all of them.</summary>
    public IReadOnlyList<string> ResourcesOf(ControlPath path)
    {
        var runtime = new RuntimeArn("aws", options.Region, options.AccountId, RuntimeKind.Runtime, path.RuntimeId ?? "*");
        return path switch
        {
            { ResourceArn: { } arn } => [arn],
            { EndpointName: { } endpoint } => [runtime.ToString(), (runtime with { Endpoint = endpoint }).ToString()],
            _ => [runtime.ToString()],
        };
    }

    /// <summary>Answers a request.</summary>
    /// <exception cref="AwsException">It is refused.</exception>
    public static async Task HandleAsync(HttpContext context, ControlOperation operation, ControlPath path, RequestTarget target, ReadOnlyMemory<byte> body)
    {
        var call = ApiCall.Of(context);
        Note(call, path);
        var answer = await operation.Handle(new ControlRequest(operation.Name, call, path, target.Query, body, context.RequestAborted));
        context.Response.StatusCode = operation.Status;
        if (answer is null)
            return;
        context.Response.ContentType = AwsError.ContentType;
        var json = JsonSerializer.SerializeToUtf8Bytes(answer, answer.GetType(), ControlJson.Options);
        context.Response.ContentLength = json.Length;
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }

    private static void Note(ApiCall call, ControlPath path)
    {
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("agentRuntimeId", path.RuntimeId), ("endpointName", path.EndpointName), ("resourceArn", path.ResourceArn)])
        {
            if (value is not null)
                call.RequestParameters[name] = value;
        }
    }
}
