using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;

namespace Porthole.Server.Tests.Auth;

public sealed class SigV4AuthenticatorTests(AuthFixture fixture) : IClassFixture<AuthFixture>
{
    private const string CredentialScope = "Credential=AKIDEXAMPLE/20260102/us-west-2/bedrock-agentcore/aws4_request";

    private (AccessKeyCaller? Caller, AwsError? Error) Authenticate(HttpContext context)
    {
        Assert.True(RawTarget.TryRead(context, out var target, out _));
        var authenticated = fixture.NewAuthenticator().TryAuthenticate(context, target, SigV4.EmptySha256, out var caller, out var error);
        Assert.Equal(authenticated, error is null);
        return (caller, error);
    }

    private AwsError Refused(HttpContext context)
    {
        var error = Authenticate(context).Error;
        Assert.NotNull(error);
        Assert.Equal((403, "AccessDeniedException"), (error.Status, error.Name));
        return error;
    }

    // The signatures with the wire's host, with the host less its port, and with the port that the host lacks.
    [Theory]
    [InlineData("localhost", "host;x-amz-date;x-amzn-bedrock-agentcore-runtime-session-id", "f23ec9c3cd04b8bbb0c8c2bf7fc9c3d8dfd5d29bda6f93f6116e8482b4c2282c")]
    [InlineData("localhost:8443", "host;x-amz-date;x-amzn-bedrock-agentcore-runtime-session-id", "f23ec9c3cd04b8bbb0c8c2bf7fc9c3d8dfd5d29bda6f93f6116e8482b4c2282c")]
    [InlineData("localhost", "host;x-amz-date;x-amzn-bedrock-agentcore-runtime-session-id", "4435e1e02c3f8e76b2f526afc01cc867f4a5b6a2de1171c6e6bdc6cca5aee8df")]
    [InlineData("localhost:8443", "host;x-amz-date;x-amzn-bedrock-agentcore-runtime-session-id", "4435e1e02c3f8e76b2f526afc01cc867f4a5b6a2de1171c6e6bdc6cca5aee8df")]
    [InlineData("localhost", "host;x-amz-content-sha256;x-amz-date;x-amzn-bedrock-agentcore-runtime-session-id", "0848efcf426615ae16eb2f77053393b79070e7db56a6b29d93652588d7112cac")]
    public void A_request_that_an_official_signer_signed_is_let_in(string wireHost, string signedHeaders, string signature)
    {
        var context = AuthFixture.Request(
            wireHost,
            AuthFixture.Query,
            ("x-amz-date", "20260102T030405Z"),
            (AuthFixture.SessionHeader, new string('s', 36)),
            ("Authorization", $"AWS4-HMAC-SHA256 {CredentialScope}, SignedHeaders={signedHeaders}, Signature={signature}"));
        if (signedHeaders.Contains("sha256", StringComparison.Ordinal)) context.Request.Headers["x-amz-content-sha256"] = SigV4.EmptySha256;
        var caller = Authenticate(context).Caller;
        Assert.Equal("AKIDEXAMPLE", caller?.Principal);
        Assert.True(caller!.Signed(AuthFixture.SessionHeader));
        Assert.False(caller.Signed("baggage"));
    }

    [Fact]
    public void A_url_that_an_official_signer_presigned_is_let_in()
    {
        var query = $"{AuthFixture.Query}&{AuthFixture.SessionHeader}={new string('s', 36)}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
            + "&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-west-2%2Fbedrock-agentcore%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=300"
            + "&X-Amz-SignedHeaders=host&X-Amz-Signature=98340202a4ee133614a83522d8e5dbf2d53de904aa7a680dff4bea616fc2d49a";
        Assert.True(Authenticate(AuthFixture.Request("localhost:8443", query)).Caller?.Presigned);
    }

    [Fact]
    public void An_unsigned_request_is_told_where_to_get_a_key()
    {
        var error = Refused(AuthFixture.Request());
        Assert.Contains("Missing Authentication Token", error.Message, StringComparison.Ordinal);
        Assert.Contains("porthole env", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Authorization", "Bearer eyJhbGciOi")]
    [InlineData("Authorization", "bearer eyJhbGciOi")]
    [InlineData("Sec-WebSocket-Protocol", "base64UrlBearerAuthorization.ZXlK, base64UrlBearerAuthorization")]
    public void A_bearer_token_is_the_wrong_method_and_is_not_repeated(string header, string value)
    {
        var error = Refused(AuthFixture.Request(headers: (header, value)));
        Assert.StartsWith("Authorization method mismatch", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("eyJ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_subprotocol_that_goes_with_a_signature_is_no_bearer_token()
    {
        var context = AuthFixture.Signed();
        context.Request.Headers.SecWebSocketProtocol = "v1.command.agentcore.aws.dev";
        Assert.NotNull(Authenticate(context).Caller);
    }

    [Fact]
    public void An_unknown_access_key_is_named()
    {
        var stranger = new SigV4Signer(new SigV4Credentials("STRANGER", "secret"), AuthFixture.Region);
        Assert.Contains("'STRANGER'", Refused(AuthFixture.Signed(signer: stranger)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_secret_gets_the_hash_to_compare_and_a_hint_on_the_host()
    {
        var wrong = new SigV4Signer(AuthFixture.Credentials with { SecretAccessKey = "other" }, AuthFixture.Region);
        var message = Refused(AuthFixture.Signed(signer: wrong)).Message;
        Assert.Matches("canonical request's SHA-256 is [0-9a-f]{64}", message);
        Assert.Contains("Host 'localhost:8443'", message, StringComparison.Ordinal);
        Assert.DoesNotContain(AuthFixture.Credentials.SecretAccessKey, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_clock_gets_the_servers_time()
    {
        var message = Refused(AuthFixture.Signed(at: AuthFixture.Now.AddMinutes(-6))).Message;
        Assert.Contains("2026-01-02T02:58:05Z", message, StringComparison.Ordinal);
        Assert.Contains("server's time is 2026-01-02T03:04:05Z", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_region_is_told_which_to_set() =>
        Assert.Contains("AWS_REGION=us-west-2", Refused(AuthFixture.Signed(signer: new SigV4Signer(AuthFixture.Credentials, "eu-west-1"))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_very_long_name_is_not_repeated_in_full()
    {
        var stranger = new SigV4Signer(new SigV4Credentials(new string('K', 10_000), "secret"), AuthFixture.Region);
        Assert.True(Refused(AuthFixture.Signed(signer: stranger)).Message.Length < 600);
    }

    [Fact]
    public void A_target_that_cannot_be_read_is_a_validation_error()
    {
        var context = AuthFixture.Request(query: "shellId=%");
        Assert.False(RawTarget.TryRead(context, out _, out var error));
        Assert.Equal((400, "ValidationException", "CannotParse"), (error.Status, error.Name, error.Reason));
    }
}
