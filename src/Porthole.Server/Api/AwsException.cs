using Porthole.Protocol.Aws;

namespace Porthole.Server.Api;

/// <summary>Ends a request with an error that official clients can read.</summary>
internal sealed class AwsException(AwsError error) : Exception(error.Message)
{
    public AwsError Error { get; } = error;
}
