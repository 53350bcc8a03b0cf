using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Auth.Policies;
using Porthole.Server.Store;

namespace Porthole.Server.Auth;

/// <summary>
/// Decides what callers may do. As in IAM within one account: the caller's own policy and the resource's are one set of rules, a statement that
/// denies wins, and what nothing allows is refused. A token that a runtime's authorizer took may use that runtime; where a resource carries a
/// policy, that has to allow it too.
/// </summary>
internal sealed class Authorizer(ServerOptions options, PortholeStore store, ILogger<Authorizer> log)
{
    private static readonly IReadOnlyDictionary<string, string> NoPolicies = new Dictionary<string, string>();

    /// <summary>Refuses an action that the caller may not do on every one of some resources.</summary>
    /// <param name="context">The request, for what conditions ask: its address, its transport.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="action">The action, see <see cref="Actions"/>.</param>
    /// <param name="resourceArns">The resources: a runtime and the endpoint it is used through, or what is managed.</param>
    /// <exception cref="AwsException">403: the caller may not.</exception>
    public async Task DemandAsync(HttpContext context, Caller caller, string action, params IReadOnlyList<string> resourceArns)
    {
        var request = new PolicyRequest(action, PrincipalArnOf(caller), AddressOf(context), KeysOf(context, caller));
        var carried = Actions.UseRuntime(action) ? await store.ReadResourcePoliciesAsync(resourceArns, context.RequestAborted) : NoPolicies;
        foreach (var arn in resourceArns)
        {
            var own = OwnVerdict(caller, request, arn);
            var policy = carried.GetValueOrDefault(arn);
            var resources = policy is null ? PolicyVerdict.None : Evaluate(policy, request, arn);
            if (own == PolicyVerdict.Deny) throw Refusal(caller, action, arn, "the policy of the access key denies it");
            if (resources == PolicyVerdict.Deny) throw Refusal(caller, action, arn, "the policy of the resource denies it");

            // A token is good for its runtime by itself; a policy of the resource narrows that, since it has nobody else to speak to.
            var allowed = caller is TokenCaller && policy is not null ? resources == PolicyVerdict.Allow : own == PolicyVerdict.Allow || resources == PolicyVerdict.Allow;
            if (!allowed) throw Refusal(caller, action, arn, "no policy allows it");
        }
    }

    /// <summary>The ARN of something of this server's own API.</summary>
    /// <param name="resource">For instance <c>server</c>.</param>
    public string OwnArn(string resource) => $"arn:aws:porthole:{options.Region}:{options.AccountId}:{resource}";

    private static PolicyVerdict OwnVerdict(Caller caller, PolicyRequest request, string resourceArn) => caller switch
    {
        AccessKeyCaller { Policy: null } => PolicyVerdict.Allow,
        AccessKeyCaller { Policy: { } policy } => policy.Evaluate(request, resourceArn),
        _ => Actions.UseRuntime(request.Action) && !request.Action.EndsWith(Actions.ForUser, StringComparison.Ordinal) ? PolicyVerdict.Allow : PolicyVerdict.None,
    };

    private PolicyVerdict Evaluate(string policy, PolicyRequest request, string resourceArn)
    {
        try
        {
            return Policy.ParseForResource(policy, resourceArn).Evaluate(request, resourceArn);
        }
        catch (PolicyException e)
        {
            // It was checked when it was put there, by another version perhaps. It may hold a denial, so nobody passes.
            AuthLog.ResourcePolicyNotUnderstood(log, resourceArn, e.Message);
            return PolicyVerdict.Deny;
        }
    }

    private string? PrincipalArnOf(Caller caller) => caller is AccessKeyCaller key ? $"arn:aws:iam::{options.AccountId}:user/{key.UserName}" : null;

    // Whoever listens on both families gets IPv4 callers as mapped addresses; policies are written for the plain ones.
    private static IPAddress? AddressOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;

    private Dictionary<string, string> KeysOf(HttpContext context, Caller caller)
    {
        var keys = new Dictionary<string, string>
        {
            [PolicyCondition.SecureTransport] = context.Request.IsHttps ? "true" : "false",
            [PolicyCondition.RequestedRegion] = options.Region,
        };
        if (caller is AccessKeyCaller key)
        {
            keys[PolicyCondition.Username] = key.UserName;
            keys[PolicyCondition.PrincipalArn] = PrincipalArnOf(caller)!;
        }
        else if (caller is TokenCaller token)
        {
            (keys[PolicyCondition.Issuer], keys[PolicyCondition.Subject]) = (token.Issuer, token.Subject);
            if (token.ClientId is { } client) keys[PolicyCondition.ClientId] = client;
        }

        return keys;
    }

    private static AwsException Refusal(Caller caller, string action, string resourceArn, string reason) =>
        new(AwsError.AccessDenied($"{caller.Description} is not authorized to perform {action} on {resourceArn}: {reason}."));
}
