namespace Porthole.Protocol.Aws;

/// <summary>What a signing key is good for: one day, one region, one service.</summary>
/// <param name="Date"><c>yyyyMMdd</c>, UTC.</param>
/// <param name="Region">For instance <c>us-east-1</c>.</param>
/// <param name="Service">For instance <c>bedrock-agentcore</c>.</param>
public sealed record SigV4Scope(string Date, string Region, string Service)
{
    internal const string Terminator = "aws4_request";

    /// <summary>The scope as it stands in the string to sign.</summary>
    public override string ToString() => $"{Date}/{Region}/{Service}/{Terminator}";
}
