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
    /// <exception cref="AwsException">It is named wrongly.</exception>
    public async Task<DeploymentFinding> FindAsync(RequestTarget target, CancellationToken cancellationToken)
    {
        var name = NameOf(target);
        var unknown = AwsError.NotFound($"No endpoint or agent found with qualifier '{name.Qualifier}' for agent '{name.AsGiven}'");
        var runtime = await store.FindRuntimeAsync(name.Runtime.Id, cancellationToken);
        if (runtime is null || runtime.Arn != name.Runtime)
            return new DeploymentFinding(null, unknown, null);
        var endpoint = await store.FindEndpointAsync(runtime.Id, name.Qualifier, cancellationToken);

        // Who may ask is known before there is anything to use: whoever the coming version lets in, or the last one when there is no such endpoint.
        var version = await store.FindVersionAsync(runtime.Id, endpoint?.LiveVersion ?? endpoint?.TargetVersion ?? runtime.LatestVersion, cancellationToken);
        var problem = endpoint is null ? unknown : ProblemOf(runtime, endpoint, version);
        return new DeploymentFinding(
            version?.Configuration.AuthorizerConfiguration?.CustomJWTAuthorizer, problem, version is null ? null : new Deployment(runtime, name.Qualifier, version));
    }

    private static AwsError? ProblemOf(AgentRuntime runtime, RuntimeEndpoint endpoint, RuntimeVersion? version)
    {
        if (runtime.Status == ResourceStatus.Deleting || endpoint.Status == ResourceStatus.Deleting)
            return AwsError.ResourceState($"The endpoint '{endpoint.Name}' of the runtime '{runtime.Id}' is being deleted.");
        return endpoint.LiveVersion is null || version is null
            ? AwsError.ResourceState(
                $"The endpoint '{endpoint.Name}' of the runtime '{runtime.Id}' is not ready: {endpoint.FailureReason ?? runtime.FailureReason ?? "it is still being made"}")
            : null;
    }
}

/// <summary>What there is of what a data-plane request names.</summary>
/// <param name="Tokens">Whose tokens prove who asks; null when signatures do, as for what does not exist.</param>
/// <param name="Problem">Why it cannot be used; null when it can.</param>
/// <param name="Found">What there is.</param>
internal sealed record DeploymentFinding(CustomJwtAuthorizer? Tokens, AwsError? Problem, Deployment? Found)
{
    /// <summary>What can be used.</summary>
    /// <exception cref="AwsException">It does not exist or is not ready.</exception>
    public Deployment Demand() => Problem is { } problem ? throw new AwsException(problem) : Found!;
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
