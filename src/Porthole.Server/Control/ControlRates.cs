using System.Diagnostics;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;

namespace Porthole.Server.Control;

/// <summary>
/// How many requests a second the control plane takes, so that a script that has gone wild leaves room for others. The official clients wait and
/// try again. Thread-safe.
/// </summary>
internal sealed class ControlRates(ServerOptions options)
{
    private readonly Lock _lock = new();
    private readonly RateLimit _changes = Limit(options.ControlPlane.MaxChangesPerSecond);
    private readonly RateLimit _reads = Limit(options.ControlPlane.MaxReadsPerSecond);
    private readonly RateLimit _lists = Limit(options.ControlPlane.MaxListsPerSecond);

    /// <summary>Notes a request.</summary>
    /// <param name="operation">The operation's name.</param>
    /// <exception cref="AwsException">It is one too many.</exception>
    public void Take(string operation)
    {
        var limit = operation.StartsWith("List", StringComparison.Ordinal) ? _lists : operation.StartsWith("Get", StringComparison.Ordinal) ? _reads : _changes;
        lock (_lock)
        {
            if (limit.Allow(Stopwatch.GetTimestamp()))
                return;
        }

        throw new AwsException(AwsError.Throttled($"There are too many requests of this kind in a second for {operation}: try again after a moment."));
    }

    private static RateLimit Limit(int perSecond) => new(perSecond, TimeSpan.FromSeconds(1));
}
