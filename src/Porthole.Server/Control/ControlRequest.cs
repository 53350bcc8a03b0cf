using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Audit;

namespace Porthole.Server.Control;

/// <summary>A request to the control plane whose caller is known and allowed.</summary>
/// <param name="Operation">The operation's name.</param>
/// <param name="Call">Where names and numbers are noted for the audit trail.</param>
/// <param name="Path">What its path names.</param>
/// <param name="Query">The query.</param>
/// <param name="Body">The body, read in full for its signature.</param>
/// <param name="Cancellation">The client has left. What changes something goes on all the same.</param>
internal sealed record ControlRequest(
    string Operation, ApiCall Call, ControlPath Path, QueryParameters Query, ReadOnlyMemory<byte> Body, CancellationToken Cancellation)
{
    /// <summary>The runtime's id in the path.</summary>
    public string RuntimeId => Path.RuntimeId!;

    /// <summary>The endpoint's name in the path.</summary>
    public string EndpointName => Path.EndpointName!;

    /// <summary>The ARN in the path.</summary>
    public string ResourceArn => Path.ResourceArn!;

    /// <summary>The body's members.</summary>
    /// <exception cref="AwsException">It is no JSON object.</exception>
    public RequestFields Fields() => RequestFields.Parse(Body);

    /// <summary>A query parameter within its limits; null when it is not there.</summary>
    /// <exception cref="AwsException">It is wrong, or there more than once.</exception>
    public string? Parameter(string name, TextRule rule)
    {
        if (!Query.TryGetOnly(name, out var value))
            throw new AwsException(AwsError.InvalidField(name, $"{name} was given more than once."));
        return value is null || rule.Allows(value) ? value : throw new AwsException(AwsError.InvalidField(name, $"{name} must be {rule}."));
    }

    /// <summary>Names what the request asks for, apart from its token: what is the same has the same name.</summary>
    /// <param name="meaning">The request as it was understood.</param>
    public string Fingerprint(object meaning) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Operation}\n{Path}\n{JsonSerializer.Serialize(meaning)}")));
}

/// <summary>What the path of a control-plane request names.</summary>
/// <param name="RuntimeId">The runtime's id, if any.</param>
/// <param name="EndpointName">The endpoint's name, if any.</param>
/// <param name="ResourceArn">The ARN of a tagged resource or of one with a policy, if any.</param>
internal sealed record ControlPath(string? RuntimeId = null, string? EndpointName = null, string? ResourceArn = null);
