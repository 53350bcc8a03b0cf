using FsCheck;
using FsCheck.Xunit;
using Porthole.Protocol.Aws;
using static Porthole.Protocol.Tests.Aws.SigV4Vectors;

namespace Porthole.Protocol.Tests.Aws;

public class SigV4VerifierTests
{
    private static SigV4Result Verify(SigV4Request request, DateTimeOffset? now = null, int? port = 8443, string? body = null) =>
        new SigV4Verifier(Region, new FixedTime(now ?? Now), key => key == Credentials.AccessKeyId ? Credentials.SecretAccessKey : null)
            .Verify(request, body ?? SigV4.EmptySha256, port);

    [Theory]
    [InlineData("localhost", "localhost")]
    [InlineData("localhost:8443", "localhost:8443")]
    [InlineData("localhost", "localhost:8443")] // presigned by either SDK, sent by Python's
    [InlineData("localhost:8443", "localhost")] // a client that strips the port from what it sends
    [InlineData("localhost", "localhost:9000")] // behind a forwarded port
    [InlineData("[::1]:8443", "[::1]")]
    [InlineData("[::1]", "[::1]:8443")]
    public void The_host_is_accepted_with_and_without_its_port(string signedHost, string wireHost)
    {
        Assert.IsType<SigV4Result.Valid>(Verify(Sent(Signed(WithSession(signedHost)), wireHost)));
        Assert.IsType<SigV4Result.Valid>(Verify(Sent(Presigned(Request(signedHost)), wireHost)));
    }

    [Theory]
    [InlineData("localhost", "example.org")]
    [InlineData("localhost:9000", "localhost:8443")]
    [InlineData("localhost:9000", "localhost")]
    public void Another_host_or_port_is_not(string signedHost, string wireHost)
    {
        var mismatch = Assert.IsType<SigV4Result.SignatureMismatch>(Verify(Sent(Signed(WithSession(signedHost)), wireHost)));
        Assert.Equal(wireHost, mismatch.Host);
        Assert.Equal(64, mismatch.CanonicalRequestSha256.Length);
    }

    [Fact]
    public void A_valid_signature_tells_which_headers_it_covers()
    {
        var valid = Assert.IsType<SigV4Result.Valid>(Verify(Signed(WithSession("localhost"))));
        Assert.Equal("AKIDEXAMPLE", valid.AccessKeyId);
        Assert.Equal(["host", "x-amz-date", SessionHeader.ToLowerInvariant()], valid.SignedHeaders);
        Assert.False(valid.Presigned);
    }

    [Fact]
    public void An_unsigned_request_is_told_apart() => Assert.IsType<SigV4Result.Missing>(Verify(Request("localhost")));

    [Fact]
    public void A_request_signed_twice_is_refused()
    {
        var presigned = Presigned(Request("localhost"));
        Assert.IsType<SigV4Result.Malformed>(Verify(Signed(presigned)));
    }

    [Theory]
    [InlineData(-301, false)]
    [InlineData(-300, true)]
    [InlineData(300, true)]
    [InlineData(301, false)]
    public void The_clocks_may_differ_by_five_minutes(int seconds, bool accepted)
    {
        var result = Verify(Signed(WithSession("localhost"), Now.AddSeconds(seconds)));
        if (accepted) Assert.IsType<SigV4Result.Valid>(result);
        else Assert.IsType<SigV4Result.Skewed>(result);
    }

    [Fact]
    public void A_presigned_url_ends_with_its_life()
    {
        var request = Presigned(Request("localhost"), seconds: 60);
        Assert.IsType<SigV4Result.Valid>(Verify(request, Now.AddSeconds(60)));
        var expired = Assert.IsType<SigV4Result.Expired>(Verify(request, Now.AddSeconds(61)));
        Assert.Equal(Now.AddSeconds(60), expired.ExpiredAt);
        Assert.IsType<SigV4Result.Skewed>(Verify(request, Now.AddSeconds(-301)));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("301")]
    [InlineData("604800")]
    public void A_presigned_life_outside_five_minutes_is_refused(string expires)
    {
        var raw = Signer.Presign(Request("localhost"), TimeSpan.FromSeconds(300), Now).Replace("Expires=300", $"Expires={expires}", StringComparison.Ordinal);
        Assert.IsType<SigV4Result.BadLifetime>(Verify(Request("localhost") with { Target = Target(raw) }));
    }

    [Fact]
    public void Another_region_or_service_is_named()
    {
        var elsewhere = new SigV4Signer(Credentials, "eu-west-1");
        var request = WithSession("localhost");
        var signed = request with { Headers = [.. request.Headers, .. elsewhere.SignHeaders(request, SigV4.EmptySha256, Now)] };
        Assert.Equal(new SigV4Result.WrongScope("region", Region, "eu-west-1"), Verify(signed));

        var s3 = new SigV4Signer(Credentials, Region, "s3");
        signed = request with { Headers = [.. request.Headers, .. s3.SignHeaders(request, SigV4.EmptySha256, Now)] };
        Assert.Equal(new SigV4Result.WrongScope("service", "bedrock-agentcore", "s3"), Verify(signed));
    }

    [Fact]
    public void An_unknown_access_key_is_named()
    {
        var stranger = new SigV4Signer(Credentials with { AccessKeyId = "STRANGER" }, Region);
        var request = WithSession("localhost");
        var signed = request with { Headers = [.. request.Headers, .. stranger.SignHeaders(request, SigV4.EmptySha256, Now)] };
        Assert.Equal(new SigV4Result.UnknownAccessKey("STRANGER"), Verify(signed));
    }

    [Fact]
    public void A_declared_body_hash_has_to_be_the_bodys()
    {
        var body = SigV4.Sha256Hex("hello"u8);
        var request = WithSession("localhost");
        request = request with { Method = "POST", Headers = [.. request.Headers, new(SigV4.ContentSha256Header, body)] };
        var signed = request with { Headers = [.. request.Headers, .. Signer.SignHeaders(request, body, Now)] };
        Assert.IsType<SigV4Result.Valid>(Verify(signed, body: body));
        Assert.Equal(new SigV4Result.BodyMismatch(body, SigV4.EmptySha256), Verify(signed));
    }

    [Fact]
    public void An_undeclared_body_hash_is_the_one_of_the_body_that_arrived()
    {
        var body = SigV4.Sha256Hex("hello"u8);
        var request = WithSession("localhost") with { Method = "POST" };
        var signed = request with { Headers = [.. request.Headers, .. Signer.SignHeaders(request, body, Now)] };
        Assert.IsType<SigV4Result.Valid>(Verify(signed, body: body));
        Assert.IsType<SigV4Result.SignatureMismatch>(Verify(signed, body: SigV4.Sha256Hex("other"u8)));
    }

    [Fact]
    public void An_unsigned_payload_is_accepted_only_where_that_is_signed()
    {
        var unsigned = new KeyValuePair<string, string>(SigV4.ContentSha256Header, SigV4.UnsignedPayload);
        var request = WithSession("localhost");
        var covered = request with { Headers = [.. request.Headers, unsigned] };
        covered = covered with { Headers = [.. covered.Headers, .. Signer.SignHeaders(covered, SigV4.UnsignedPayload, Now)] };
        Assert.IsType<SigV4Result.Valid>(Verify(covered, body: SigV4.Sha256Hex("anything"u8)));

        var uncovered = request with { Headers = [.. request.Headers, .. Signer.SignHeaders(request, SigV4.UnsignedPayload, Now), unsigned] };
        Assert.IsType<SigV4Result.Malformed>(Verify(uncovered));
    }

    [Fact]
    public void A_changed_target_method_or_signed_header_breaks_the_signature()
    {
        var signed = Signed(WithSession("localhost"));
        Assert.IsType<SigV4Result.SignatureMismatch>(Verify(signed with { Method = "POST" }));
        Assert.IsType<SigV4Result.SignatureMismatch>(Verify(signed with { Target = Target($"{RawPath}?shellId=sh-2&qualifier=DEFAULT") }));
        Assert.IsType<SigV4Result.SignatureMismatch>(Verify(signed with { Target = Target($"{RawPath}/?{Query}") }));
        Assert.IsType<SigV4Result.SignatureMismatch>(
            Verify(signed with { Headers = [.. signed.Headers.Select(h => h.Key == SessionHeader ? new(h.Key, new string('t', 36)) : h)] }));
    }

    [Fact]
    public void A_signed_header_that_did_not_arrive_is_named()
    {
        var signed = Signed(WithSession("localhost"));
        var stripped = signed with { Headers = [.. signed.Headers.Where(h => h.Key != SessionHeader)] };
        Assert.Contains(SessionHeader.ToLowerInvariant(), Assert.IsType<SigV4Result.Malformed>(Verify(stripped)).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void The_order_and_spelling_of_the_query_do_not_matter()
    {
        var signed = Signed(WithSession("localhost"));
        Assert.IsType<SigV4Result.Valid>(Verify(signed with { Target = Target($"{RawPath}?qualifier=DEFAUL%54&shellId=sh%2d1") }));
    }

    [Fact]
    public void A_raw_slash_in_the_ARN_is_not_the_same_path_as_an_encoded_one()
    {
        var raw = RawPath.Replace("%2F", "/", StringComparison.Ordinal);
        var signed = Signed(WithSession("localhost") with { Target = Target(raw) });
        Assert.IsType<SigV4Result.Valid>(Verify(signed));
        Assert.IsType<SigV4Result.SignatureMismatch>(Verify(signed with { Target = Target(RawPath) }));
    }

    [Theory]
    [InlineData("AWS4-HMAC-SHA256")]
    [InlineData("AWS4-HMAC-SHA256 Credential=a/20260102/us-west-2/bedrock-agentcore/aws4_request")]
    [InlineData("AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00")]
    [InlineData("AWS4-HMAC-SHA256 Credential=/20260102/us-west-2/bedrock-agentcore/aws4_request, SignedHeaders=host, Signature=" + BotocoreSignature)]
    [InlineData("AWS4-HMAC-SHA256 Credential=a/20260103/us-west-2/bedrock-agentcore/aws4_request, SignedHeaders=host, Signature=" + BotocoreSignature)]
    [InlineData("AWS4-HMAC-SHA256 Credential=a/20260102/us-west-2/bedrock-agentcore/aws4_request, SignedHeaders=x-amz-date, Signature=" + BotocoreSignature)]
    [InlineData("AWS4-HMAC-SHA256 Credential=a/20260102/us-west-2/bedrock-agentcore/aws4_request, SignedHeaders=Host;host, Signature=" + BotocoreSignature)]
    [InlineData("AWS4-HMAC-SHA256 Credential=a/20260102/us-west-2/bedrock-agentcore/aws4_request, SignedHeaders=host, Signature=" + BotocoreSignature + ", Signature=" + BotocoreSignature)]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("")]
    public void An_authorization_header_of_another_form_is_malformed(string authorization)
    {
        var request = Request("localhost", Query, new("X-Amz-Date", "20260102T030405Z"), new("Authorization", authorization));
        Assert.IsType<SigV4Result.Malformed>(Verify(request));
    }

    [Property(MaxTest = 2000)]
    public void No_authorization_header_gets_in_or_throws(string? noise, NonNegativeInt position, char replacement)
    {
        var good = Signed(WithSession("localhost")).Header("Authorization")!;
        var at = position.Get % good.Length;
        foreach (var bad in new[] { noise ?? "", good[..at], good[at..], good.Insert(at, noise ?? ""), good[..at] + replacement + good[(at + 1)..] })
        {
            // Spaces around the parts and the order of letters in nothing else are free.
            if (Normalised(bad) == Normalised(good)) continue;
            var signed = Signed(WithSession("localhost"));
            var changed = signed with { Headers = [.. signed.Headers.Select(h => h.Key == "Authorization" ? new(h.Key, bad) : h)] };
            Assert.IsNotType<SigV4Result.Valid>(Verify(changed));
        }
    }

    [Property(MaxTest = 1000)]
    public void No_presigned_query_gets_in_or_throws(NonNegativeInt position, char replacement)
    {
        var raw = Signer.Presign(Request("localhost"), TimeSpan.FromSeconds(300), Now);
        var at = RawPath.Length + (position.Get % (raw.Length - RawPath.Length));
        var bad = raw[..at] + replacement + raw[(at + 1)..];
        if (!RequestTarget.TryParse(bad, out var target)) return;
        if (target.Query.All.SequenceEqual(Target(raw).Query.All)) return;
        Assert.IsNotType<SigV4Result.Valid>(Verify(Request("localhost") with { Target = target }));
    }

    private static string Normalised(string header) => string.Concat(header.Where(c => !char.IsWhiteSpace(c)));
}
