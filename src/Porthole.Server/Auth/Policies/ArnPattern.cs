namespace Porthole.Server.Auth.Policies;

/// <summary>
/// The resources that a policy speaks of: <c>*</c>, or an ARN with wildcards. Each of an ARN's six parts is compared by itself, as in IAM, so a
/// wildcard in the region does not reach into the resource; in the last part it crosses slashes and colons.
/// </summary>
internal sealed class ArnPattern
{
    private const int Parts = 6;

    private readonly WildcardPattern[]? _parts;

    private ArnPattern(WildcardPattern[]? parts) => _parts = parts;

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="PolicyException">It is neither <c>*</c> nor an ARN of six parts.</exception>
    internal static ArnPattern Parse(string text)
    {
        if (text == "*") return new ArnPattern(null);
        var parts = text.Split(':', Parts);
        if (parts.Length != Parts || parts[0] != "arn")
            throw new PolicyException($"Resource '{text}' is neither '*' nor an ARN: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.");
        return new ArnPattern([.. parts.Select(static part => new WildcardPattern(part))]);
    }

    /// <summary>Whether an ARN, which has no wildcards, is among the resources.</summary>
    internal bool Matches(string arn)
    {
        if (_parts is null) return true;
        var parts = arn.Split(':', Parts);
        return parts.Length == Parts && _parts.Zip(parts).All(static pair => pair.First.Matches(pair.Second));
    }
}
