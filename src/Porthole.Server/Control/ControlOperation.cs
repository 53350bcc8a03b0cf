using System.Diagnostics.CodeAnalysis;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;

namespace Porthole.Server.Control;

/// <summary>An operation of the control plane.</summary>
/// <param name="Name">Its name, which is also its action in policies.</param>
/// <param name="Method">Its verb.</param>
/// <param name="Path">Its path. <c>{runtime}</c>, <c>{endpoint}</c> and <c>{arn}</c> stand for one percent-encoded name each.</param>
/// <param name="Status">The status of its success.</param>
/// <param name="Handle">Does it and gives the answer; null for one without a body.</param>
internal sealed record ControlOperation(string Name, string Method, string Path, int Status, Func<ControlRequest, Task<object?>> Handle)
{
    private const string Runtime = "{runtime}", Endpoint = "{endpoint}", Arn = "{arn}";

    private readonly string[] _segments = Path.Split('/');

    /// <summary>Compares a raw path with the operation's.</summary>
    /// <param name="rawPath">The path as sent.</param>
    /// <param name="path">What it names, when the result is true.</param>
    /// <exception cref="AwsException">It names something that cannot exist.</exception>
    public bool TryMatch(string rawPath, [NotNullWhen(true)] out ControlPath? path)
    {
        path = null;

        // A client may leave the slashes of an ARN as they are; the ARN is always the last.
        var segments = rawPath.Split('/', _segments[^1] == Arn ? _segments.Length : int.MaxValue);
        if (segments.Length != _segments.Length)
            return false;
        foreach (var (i, segment) in _segments.Index())
        {
            if (segment.StartsWith('{') ? segments[i].Length == 0 : segments[i] != segment)
                return false;
        }

        path = new ControlPath();
        foreach (var (i, segment) in _segments.Index())
        {
            path = segment switch
            {
                Runtime => path with { RuntimeId = Decode("agentRuntimeId", segments[i], static id => RuntimeArn.IsRuntimeId(id)) },
                Endpoint => path with { EndpointName = Decode("endpointName", segments[i], static name => RuntimeArn.IsEndpointName(name)) },
                Arn => path with { ResourceArn = Decode("resourceArn", segments[i], static arn => RuntimeArn.TryParse(arn, out _)) },
                _ => path,
            };
        }

        return true;
    }

    private static string Decode(string name, string raw, Func<string, bool> isValid) =>
        PercentEncoding.TryDecode(raw, out var text) && isValid(text)
            ? text
            : throw new AwsException(AwsError.InvalidField(name, $"{name} '{(text ?? raw)[..Math.Min(128, (text ?? raw).Length)]}' is none."));
}
