using System.Globalization;
using Porthole.Server.Store;

namespace Porthole.Server.Control;

/// <summary>Answer of CreateAgentRuntimeEndpoint.</summary>
internal sealed record EndpointCreated(
    string TargetVersion, string AgentRuntimeEndpointArn, string AgentRuntimeArn, string AgentRuntimeId, string EndpointName, ResourceStatus Status, DateTimeOffset CreatedAt)
{
    public static EndpointCreated Of(AgentRuntime runtime, RuntimeEndpoint endpoint)
    {
        var described = EndpointDescription.Of(runtime, endpoint);
        return new(described.TargetVersion, described.AgentRuntimeEndpointArn, described.AgentRuntimeArn, runtime.Id, endpoint.Name, endpoint.Status, endpoint.CreatedAt);
    }
}

/// <summary>Answer of GetAgentRuntimeEndpoint, and an entry of ListAgentRuntimeEndpoints.</summary>
internal sealed record EndpointDescription(
    string AgentRuntimeEndpointArn,
    string AgentRuntimeArn,
    ResourceStatus Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUpdatedAt,
    string Name,
    string Id,
    string? LiveVersion,
    string TargetVersion,
    string? Description,
    string? FailureReason)
{
    // An endpoint's name is all that it is called by; its id is the same.
    public static EndpointDescription Of(AgentRuntime runtime, RuntimeEndpoint endpoint) => new(
        (runtime.Arn with { Endpoint = endpoint.Name }).ToString(),
        runtime.Arn.ToString(),
        endpoint.Status,
        endpoint.CreatedAt,
        endpoint.LastUpdatedAt,
        endpoint.Name,
        endpoint.Name,
        endpoint.LiveVersion?.ToString(CultureInfo.InvariantCulture),
        endpoint.TargetVersion.ToString(CultureInfo.InvariantCulture),
        endpoint.Description,
        endpoint.FailureReason);
}

/// <summary>Answer of UpdateAgentRuntimeEndpoint.</summary>
internal sealed record EndpointUpdated(
    string AgentRuntimeEndpointArn, string AgentRuntimeArn, ResourceStatus Status, DateTimeOffset CreatedAt, DateTimeOffset LastUpdatedAt, string? LiveVersion, string TargetVersion)
{
    public static EndpointUpdated Of(AgentRuntime runtime, RuntimeEndpoint endpoint)
    {
        var described = EndpointDescription.Of(runtime, endpoint);
        return new(
            described.AgentRuntimeEndpointArn, described.AgentRuntimeArn, endpoint.Status, endpoint.CreatedAt, endpoint.LastUpdatedAt, described.LiveVersion, described.TargetVersion);
    }
}

/// <summary>Answer of DeleteAgentRuntimeEndpoint.</summary>
internal sealed record EndpointDeleted(ResourceStatus Status, string AgentRuntimeId, string EndpointName);

/// <summary>A page of endpoints.</summary>
internal sealed record EndpointPage(IReadOnlyList<EndpointDescription> RuntimeEndpoints, string? NextToken);
