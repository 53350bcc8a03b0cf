using Porthole.Protocol.Link;

namespace Porthole.Guest;

/// <summary>A request cannot be met; the server is told why and the guest goes on.</summary>
internal sealed class LinkFailureException(LinkFailureReason reason, string message) : Exception(message)
{
    /// <summary>What the server is told.</summary>
    public LinkFailure Failure { get; } = new(reason, message);
}
