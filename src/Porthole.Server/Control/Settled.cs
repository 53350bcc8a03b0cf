using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Store;

namespace Porthole.Server.Control;

/// <summary>What is being made, changed or removed is not changed at the same time (contract section 12.3).</summary>
internal static class Settled
{
    /// <exception cref="AwsException">Something is under way.</exception>
    public static void Require(AgentRuntime runtime) => Require(runtime.Status, $"The runtime '{runtime.Id}'");

    /// <exception cref="AwsException">Something is under way.</exception>
    public static void Require(RuntimeEndpoint endpoint) => Require(endpoint.Status, $"The endpoint '{endpoint.Name}'");

    private static void Require(ResourceStatus status, string what)
    {
        var work = status switch
        {
            ResourceStatus.Creating => "made",
            ResourceStatus.Updating => "changed",
            ResourceStatus.Deleting => "deleted",
            _ => null,
        };
        if (work is not null)
            throw new AwsException(AwsError.Conflict($"{what} is being {work}. Wait until its status is another one, then try again."));
    }
}
