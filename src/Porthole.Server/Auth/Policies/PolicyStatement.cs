namespace Porthole.Server.Auth.Policies;

/// <summary>One statement of a policy. Lists that are null are not part of it.</summary>
internal sealed class PolicyStatement
{
    /// <summary>Whether it denies; else it allows.</summary>
    internal required bool Denies { get; init; }

    /// <summary>The actions.</summary>
    internal required IReadOnlyList<WildcardPattern> Actions { get; init; }

    /// <summary>Whether it speaks of every action but those, <c>NotAction</c>.</summary>
    internal required bool ExceptActions { get; init; }

    /// <summary>The resources.</summary>
    internal required IReadOnlyList<ArnPattern> Resources { get; init; }

    /// <summary>Whether it speaks of every resource but those, <c>NotResource</c>.</summary>
    internal required bool ExceptResources { get; init; }

    /// <summary>The principals, in a resource's policy; null in a principal's.</summary>
    internal required PolicyPrincipals? Principals { get; init; }

    /// <summary>Its conditions; all have to hold.</summary>
    internal required IReadOnlyList<PolicyCondition> Conditions { get; init; }

    /// <summary>Whether the statement speaks of a request for a resource.</summary>
    internal bool Applies(PolicyRequest request, string resourceArn) =>
        Actions.Any(action => action.Matches(request.Action, ignoreCase: true)) != ExceptActions
        && Resources.Any(resource => resource.Matches(resourceArn)) != ExceptResources
        && (Principals?.Include(request.PrincipalArn, Denies) ?? true)
        && Conditions.All(condition => condition.Holds(request));
}
