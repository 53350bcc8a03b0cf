using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Store;

namespace Porthole.Server.Runtimes;

/// <summary>Finds what a data-plane request names: the runtime by its ARN, or by its bare id together with the account (contract section 1.2).</summary>
internal sealed class DeploymentLookup(ServerOptions options, PortholeStore store)
{
    /// <summary>Reads what the request names, whether it exists or not.</summary>
    /// <exception cref="AwsException">It is named wrongly.</exception>
    public DeploymentName NameOf(RequestTarget target)
    {
        if (!target.Query.TryGetOnly("qualifier", out var qualifier) || !target.Query.TryGetOnly("accountId", out var accountId))
            throw new AwsException(AwsError.CannotParse("A query parameter was given more than once."));
        qualifier ??= AgentRuntime.DefaultEndpoint;
        if (RuntimeArn.TryParse(target.Runtime, out var arn))
            return new DeploymentName(arn with { Endpoint = null }, qualifier, target.Runtime);
        if (!RuntimeArn.IsRuntimeId(target.Runtime))
            throw new AwsException(AwsError.InvalidField("agentRuntimeArn", $"'{target.Runtime}' is neither a runtime's ARN nor a runtime's id."));
        if (accountId is null)
            throw new AwsException(AwsError.InvalidField("accountId", "accountId is required when the runtime is named by its id instead of its ARN."));
        return new DeploymentName(new RuntimeArn("aws", options.Region, accountId, RuntimeKind.Runtime, target.Runtime), qualifier, target.Runtime);
    }

    /// <summary>Finds it.</summary>
    /// <exception cref="AwsException">It is named wrongly, unknown, or not ready.</exception>
    public async Task<Deployment> FindAsync(RequestTarget target, CancellationToken cancellationToken)
    {
        var name = NameOf(target);
        var runtime = await store.FindRuntimeAsync(name.Runtime.Id, cancellationToken);
        var endpoint = runtime is not null && runtime.Arn == name.Runtime ? await store.FindEndpointAsync(runtime.Id, name.Qualifier, cancellationToken) : null;
        if (endpoint is null)
            throw new AwsException(AwsError.NotFound($"No endpoint or agent found with qualifier '{name.Qualifier}' for agent '{name.AsGiven}'"));
        if (runtime!.Status == ResourceStatus.Deleting || endpoint.Status == ResourceStatus.Deleting)
            throw new AwsException(AwsError.ResourceState($"The endpoint '{endpoint.Name}' of the runtime '{runtime.Id}' is being deleted."));
        if (endpoint.LiveVersion is not { } live || await store.FindVersionAsync(runtime.Id, live, cancellationToken) is not { } version)
            throw new AwsException(AwsError.ResourceState(NotReady(runtime, endpoint)));
        return new Deployment(runtime, name.Qualifier, version);
    }

    private static string NotReady(AgentRuntime runtime, RuntimeEndpoint endpoint) =>
        $"The endpoint '{endpoint.Name}' of the runtime '{runtime.Id}' is not ready: {endpoint.FailureReason ?? runtime.FailureReason ?? "it is still being made"}";
}

/// <summary>What a data-plane request says it wants.</summary>
/// <param name="Runtime">The runtime.</param>
/// <param name="Qualifier">The endpoint's name.</param>
/// <param name="AsGiven">The runtime in the client's own words.</param>
internal sealed record DeploymentName(RuntimeArn Runtime, string Qualifier, string AsGiven)
{
    /// <summary>What a caller has to be allowed to use: the runtime, and the endpoint (contract section 11).</summary>
    public IReadOnlyList<string> ResourceArns => [Runtime.ToString(), (Runtime with { Endpoint = Qualifier }).ToString()];
}
