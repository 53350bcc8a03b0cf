using System.Net;

namespace Porthole.Server.Auth.Policies;

/// <summary>
/// One line of a policy's <c>Condition</c>: an operator, a key and the values it is compared with. It holds when one value fits, or for the
/// operators with <c>Not</c> when none does. As in IAM a key without a value fits nothing, so the <c>Not</c> operators hold for it.
/// </summary>
internal sealed class PolicyCondition
{
    /// <summary>The text keys of every request and of those with a token.</summary>
    internal const string
        SecureTransport = "aws:securetransport", RequestedRegion = "aws:requestedregion", Username = "aws:username", PrincipalArn = "aws:principalarn",
        Issuer = "bedrock-agentcore:inboundjwtclaim/iss", Subject = "bedrock-agentcore:inboundjwtclaim/sub", ClientId = "bedrock-agentcore:inboundjwtclaim/client_id";

    private const string SourceIp = "aws:sourceip";

    private static readonly string[] TextKeys = [RequestedRegion, Username, PrincipalArn, Issuer, Subject, ClientId];

    private readonly Func<PolicyRequest, bool> _fits;
    private readonly bool _negated;

    private PolicyCondition(Func<PolicyRequest, bool> fits, bool negated) => (_fits, _negated) = (fits, negated);

    /// <summary>Reads a condition.</summary>
    /// <exception cref="PolicyException">The operator or the key is none that this server knows, they do not go together, or a value is no such thing.</exception>
    internal static PolicyCondition Parse(string @operator, string key, IReadOnlyList<string> values)
    {
        var negated = @operator.Contains("Not", StringComparison.Ordinal);
        return new PolicyCondition(
            @operator switch
            {
                "StringEquals" or "StringNotEquals" => AnyText(@operator, key, values, static (value, text) => value == text),
                "StringEqualsIgnoreCase" or "StringNotEqualsIgnoreCase" =>
                    AnyText(@operator, key, values, static (value, text) => value.Equals(text, StringComparison.OrdinalIgnoreCase)),
                "StringLike" or "StringNotLike" => AnyText(@operator, key, values, static (value, text) => new WildcardPattern(value).Matches(text)),
                "Bool" => AnyFlag(key, values),
                "IpAddress" or "NotIpAddress" => AnyAddress(@operator, key, values),
                _ => throw new PolicyException(
                    $"The condition operator '{@operator}' is not supported. Known are StringEquals, StringEqualsIgnoreCase, StringLike and IpAddress with their Not forms, and Bool."),
            },
            negated);
    }

    /// <summary>Whether the condition holds for a request.</summary>
    internal bool Holds(PolicyRequest request) => _fits(request) != _negated;

    private static Func<PolicyRequest, bool> AnyText(string @operator, string key, IReadOnlyList<string> values, Func<string, string, bool> fits)
    {
        var name = key.ToLowerInvariant();
        if (!TextKeys.Contains(name)) throw Unfit(@operator, key);
        return request => request.Keys.TryGetValue(name, out var text) && values.Any(value => fits(value, text));
    }

    private static Func<PolicyRequest, bool> AnyFlag(string key, IReadOnlyList<string> values)
    {
        if (!key.Equals(SecureTransport, StringComparison.OrdinalIgnoreCase)) throw Unfit("Bool", key);
        if (values.FirstOrDefault(static value => value is not ("true" or "false")) is { } wrong)
            throw new PolicyException($"The value '{wrong}' of a Bool condition is neither 'true' nor 'false'.");
        return request => request.Keys.TryGetValue(SecureTransport, out var flag) && values.Contains(flag);
    }

    private static Func<PolicyRequest, bool> AnyAddress(string @operator, string key, IReadOnlyList<string> values)
    {
        if (!key.Equals(SourceIp, StringComparison.OrdinalIgnoreCase)) throw Unfit(@operator, key);
        var networks = values.Select(ParseNetwork).ToArray();
        return request => request.SourceIp is { } address && networks.Any(network => network.Contains(address));
    }

    private static IPNetwork ParseNetwork(string text)
    {
        if (IPAddress.TryParse(text, out var address)) return new IPNetwork(address, address.GetAddressBytes().Length * 8);
        return IPNetwork.TryParse(text, out var network)
            ? network
            : throw new PolicyException($"The value '{text}' of an IP address condition is neither an address nor a range such as 10.1.0.0/16.");
    }

    private static PolicyException Unfit(string @operator, string key) => new(
        $"The condition key '{key}' is not supported with {@operator}. Known are aws:SourceIp with IpAddress, aws:SecureTransport with Bool, and with the String operators "
        + "aws:PrincipalArn, aws:username, aws:RequestedRegion and bedrock-agentcore:InboundJwtClaim/iss, /sub and /client_id.");
}
