using Porthole.Protocol.Aws;
using static Porthole.Protocol.Tests.Aws.SigV4Vectors;

namespace Porthole.Protocol.Tests.Aws;

public class SigV4SignerTests
{
    [Theory]
    [InlineData("localhost", BotocoreSignature)]
    [InlineData("localhost:8443", BotocoreWithPortSignature)]
    public void Signs_as_botocore_does(string host, string signature)
    {
        var authorization = Signed(WithSession(host)).Header("Authorization");
        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-west-2/bedrock-agentcore/aws4_request, "
            + $"SignedHeaders=host;x-amz-date;x-amzn-bedrock-agentcore-runtime-session-id, Signature={signature}",
            authorization);
    }

    [Fact]
    public void Signs_as_the_JavaScript_signer_does_which_adds_the_payload_hash()
    {
        var request = WithSession("localhost");
        request = request with { Headers = [.. request.Headers, new(SigV4.ContentSha256Header, SigV4.EmptySha256)] };
        Assert.EndsWith(JavaScriptSignature, Signed(request).Header("Authorization"), StringComparison.Ordinal);
    }

    [Fact]
    public void Presigns_as_both_official_signers_do()
    {
        var request = Presigned(Request("localhost", $"{Query}&{SessionHeader}={SessionId}"));
        Assert.True(request.Target.Query.TryGetOnly("X-Amz-Signature", out var signature));
        Assert.Equal(PresignedSignature, signature);
    }

    [Fact]
    public void A_session_token_is_inside_the_signature()
    {
        var signer = new SigV4Signer(Credentials with { SessionToken = "t/o+k=" }, Region);
        var added = signer.SignHeaders(WithSession("localhost"), SigV4.EmptySha256, Now);
        Assert.Contains(added, h => h is { Key: "x-amz-security-token", Value: "t/o+k=" });
        Assert.Contains("x-amz-date;x-amz-security-token;", added[^1].Value, StringComparison.Ordinal);
        Assert.Contains("X-Amz-Security-Token=t%2Fo%2Bk%3D", signer.Presign(Request("localhost"), TimeSpan.FromSeconds(1), Now), StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_without_a_host_cannot_be_signed()
    {
        var request = new SigV4Request("GET", Target("/"), []);
        Assert.Throws<ArgumentException>(() => Signer.SignHeaders(request, SigV4.EmptySha256, Now));
    }

    [Fact]
    public void A_life_above_five_minutes_is_not_presigned() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Signer.Presign(Request("localhost"), TimeSpan.FromSeconds(301), Now));

    [Fact]
    public void Printed_credentials_leave_the_secret_out() =>
        Assert.Equal("AKIDEXAMPLE", $"{Credentials}");
}
