namespace Porthole.Server.Auth.Policies;

/// <summary>What a policy says of a request.</summary>
public enum PolicyVerdict
{
    /// <summary>Nothing, which is no permission.</summary>
    None,

    /// <summary>It allows it.</summary>
    Allow,

    /// <summary>It denies it, whatever other statements allow.</summary>
    Deny,
}

/// <summary>
/// A policy in IAM's language. What this server does not understand is refused when the policy is read, never passed over: a condition that
/// nobody checks would allow too much.
/// </summary>
public sealed class Policy
{
    /// <summary>Longest policy in characters: what the service documents for those of resources (contract section 6).</summary>
    public const int MaxLength = 20_480;

    private readonly IReadOnlyList<PolicyStatement> _statements;

    private Policy(IReadOnlyList<PolicyStatement> statements) => _statements = statements;

    /// <summary>Allows nothing.</summary>
    public static Policy Nothing { get; } = new([]);

    /// <summary>Reads a policy of an access key: what its holder may do.</summary>
    /// <param name="json">The policy.</param>
    /// <exception cref="PolicyException">It is no such policy, or says something that is not supported.</exception>
    public static Policy ParseForPrincipal(string json) => new(PolicyReader.Read(json, resourceArn: null));

    /// <summary>Reads a policy that a resource carries: who may do what with it.</summary>
    /// <param name="json">The policy.</param>
    /// <param name="resourceArn">What carries it; each statement has to name exactly that.</param>
    /// <exception cref="PolicyException">It is no such policy, or says something that is not supported.</exception>
    public static Policy ParseForResource(string json, string resourceArn) => new(PolicyReader.Read(json, resourceArn));

    /// <summary>Asks the policy. A statement that denies wins over any that allows.</summary>
    internal PolicyVerdict Evaluate(PolicyRequest request, string resourceArn)
    {
        var verdict = PolicyVerdict.None;
        foreach (var statement in _statements)
        {
            if (!statement.Applies(request, resourceArn)) continue;
            if (statement.Denies) return PolicyVerdict.Deny;
            verdict = PolicyVerdict.Allow;
        }

        return verdict;
    }
}
