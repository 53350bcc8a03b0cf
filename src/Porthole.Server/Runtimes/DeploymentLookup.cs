using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Store;

namespace Porthole.Server.Runtimes;

/// <summary>Finds what a data-plane request names: the runtime by its ARN, or by its bare id together with the account (contract section 1.2).</summary>
internal sealed class DeploymentLookup(PortholeStore store)
{
    /// <summary>Finds it.</summary>
    /// <exception cref="AwsException">It is named wrongly, unknown, or not ready.</exception>
    public async Task<Deployment> FindAsync(RequestTarget target, CancellationToken cancellationToken)
    {
        if (!target.Query.TryGetOnly("qualifier", out var qualifier) || !target.Query.TryGetOnly("accountId", out var accountId))
            throw new AwsException(AwsError.CannotParse("A query parameter was given more than once."));
        qualifier ??= AgentRuntime.DefaultEndpoint;
        RuntimeArn? arn = null;
        if (!RuntimeArn.TryParse(target.Runtime, out arn) && !RuntimeArn.IsRuntimeId(target.Runtime))
            throw new AwsException(AwsError.InvalidField("agentRuntimeArn", $"'{target.Runtime}' is neither a runtime's ARN nor a runtime's id."));
        if (arn is null && accountId is null)
            throw new AwsException(AwsError.InvalidField("accountId", "accountId is required when the runtime is named by its id instead of its ARN."));

        var runtime = await store.FindRuntimeAsync(arn?.Id ?? target.Runtime, cancellationToken);
        var isSame = runtime is not null && (arn is null ? runtime.AccountId == accountId : runtime.Arn == arn with { Endpoint = null });
        var endpoint = isSame ? await store.FindEndpointAsync(runtime!.Id, qualifier, cancellationToken) : null;
        if (endpoint is null)
            throw new AwsException(AwsError.NotFound($"No endpoint or agent found with qualifier '{qualifier}' for agent '{target.Runtime}'"));
        if (runtime!.Status == ResourceStatus.Deleting || endpoint.Status == ResourceStatus.Deleting)
            throw new AwsException(AwsError.ResourceState($"The endpoint '{endpoint.Name}' of the runtime '{runtime.Id}' is being deleted."));
        if (endpoint.LiveVersion is not { } live || await store.FindVersionAsync(runtime.Id, live, cancellationToken) is not { } version)
            throw new AwsException(AwsError.ResourceState(NotReady(runtime, endpoint)));
        return new Deployment(runtime, qualifier, version);
    }

    private static string NotReady(AgentRuntime runtime, RuntimeEndpoint endpoint) =>
        $"The endpoint '{endpoint.Name}' of the runtime '{runtime.Id}' is not ready: {endpoint.FailureReason ?? runtime.FailureReason ?? "it is still being made"}";
}
