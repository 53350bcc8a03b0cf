using System.Net;

namespace Porthole.Server.Auth.Policies;

/// <summary>What is asked of a policy: may this principal do this, from there?</summary>
/// <param name="Action">The action, <c>service:Name</c>.</param>
/// <param name="PrincipalArn">The principal's ARN; null for the bearer of a token, who is no principal of the account.</param>
/// <param name="SourceIp">Where the request comes from; null when that is unknown.</param>
/// <param name="Keys">The values of the condition keys that are texts, by name in lower case; one that has no value is not there.</param>
internal sealed record PolicyRequest(string Action, string? PrincipalArn, IPAddress? SourceIp, IReadOnlyDictionary<string, string> Keys);
