namespace Porthole.Server.Auth.Policies;

/// <summary>Whom a statement of a resource's policy speaks of.</summary>
internal sealed class PolicyPrincipals
{
    private readonly bool _everybody;
    private readonly IReadOnlyList<string> _arns;
    private readonly IReadOnlyList<string> _accounts;

    private PolicyPrincipals(bool everybody, IReadOnlyList<string> arns, IReadOnlyList<string> accounts) => (_everybody, _arns, _accounts) = (everybody, arns, accounts);

    /// <summary>Everybody, the bearers of tokens included: <c>"Principal": "*"</c>.</summary>
    internal static PolicyPrincipals Everybody { get; } = new(true, [], []);

    /// <summary>Reads the values of <c>"Principal": {"AWS": …}</c>.</summary>
    /// <exception cref="PolicyException">One is no principal that this server knows.</exception>
    internal static PolicyPrincipals Parse(IReadOnlyList<string> values)
    {
        var arns = new List<string>();
        var accounts = new List<string>();
        foreach (var value in values)
        {
            if (value == "*") return Everybody;
            if (AccountOf(value) is { } account) accounts.Add(account);
            else if (IsUser(value)) arns.Add(value);
            else throw new PolicyException($"The principal '{value}' is not supported. Known are '*', an account's 12 digits or its :root, and arn:aws:iam::ACCOUNT:user/NAME without wildcards.");
        }

        return new PolicyPrincipals(false, arns, accounts);
    }

    /// <summary>Whether a principal is among them. An account stands for all its principals when it is denied; when it is allowed it is left to the policies of its own.</summary>
    /// <param name="principalArn">The principal; null for the bearer of a token.</param>
    /// <param name="denies">Whether the statement denies.</param>
    internal bool Include(string? principalArn, bool denies)
    {
        if (_everybody) return true;
        if (principalArn is null) return false;
        return _arns.Contains(principalArn) || (denies && _accounts.Contains(principalArn.Split(':')[4]));
    }

    private static string? AccountOf(string value)
    {
        if (Protocol.Aws.RuntimeArn.IsAccountId(value)) return value;
        var parts = value.Split(':');
        return parts is ["arn", _, "iam", "", var account, "root"] && Protocol.Aws.RuntimeArn.IsAccountId(account) ? account : null;
    }

    private static bool IsUser(string value) =>
        value.Split(':', 6) is ["arn", _, "iam", "", var account, ['u', 's', 'e', 'r', '/', _, ..]]
        && Protocol.Aws.RuntimeArn.IsAccountId(account) && value.AsSpan().IndexOfAny('*', '?') < 0;
}
