using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.Tokens;
using Porthole.Server.Auth;
using Porthole.Server.Auth.Tokens;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Tests.Auth.Tokens;

public sealed class TokenValidatorTests : IAsyncLifetime
{
    private readonly ManualTime _time = new(AuthFixture.Now);
    private readonly RecordingLogger<TokenValidator> _logger = new();
    private readonly IssuerDocuments _documents = new(TimeSpan.FromSeconds(2));
    private TestIssuer _issuer = null!;
    private TokenValidator _validator = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync();
        _validator = new TokenValidator(_documents, _time, _logger);
    }

    public async ValueTask DisposeAsync()
    {
        _documents.Dispose();
        await _issuer.DisposeAsync();
    }

    private CustomJwtAuthorizer Rules => new() { DiscoveryUrl = _issuer.DiscoveryUrl };

    private Dictionary<string, object> Claims(params (string Name, object Value)[] more)
    {
        var claims = new Dictionary<string, object> { ["iss"] = _issuer.Name, ["sub"] = "alice", ["exp"] = Seconds(600), ["aud"] = "porthole", ["client_id"] = "app", ["scope"] = "read run" };
        foreach (var (name, value) in more) claims[name] = value;
        return claims;
    }

    private static long Seconds(int fromNow) => AuthFixture.Now.ToUnixTimeSeconds() + fromNow;

    private Task<TokenCaller> ValidateAsync(string token, CustomJwtAuthorizer? rules = null) => _validator.ValidateAsync(token, rules ?? Rules, TestContext.Current.CancellationToken);

    private async Task<string> RefusalAsync(string token, CustomJwtAuthorizer? rules = null) =>
        (await Assert.ThrowsAsync<TokenException>(() => ValidateAsync(token, rules))).Message;

    [Fact]
    public async Task A_good_token_says_who_calls() =>
        Assert.Equal(new TokenCaller(_issuer.Name, "alice", "app"), await ValidateAsync(_issuer.Sign(Claims())));

    [Fact]
    public async Task A_token_without_a_subject_is_its_clients()
    {
        var claims = Claims();
        claims.Remove("sub");
        Assert.Equal("app", (await ValidateAsync(_issuer.Sign(claims))).Subject);
        claims.Remove("client_id");
        Assert.Contains("names nobody", await RefusalAsync(_issuer.Sign(claims)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-59, true)]
    [InlineData(-61, false)]
    public async Task A_token_works_until_it_expires_give_or_take_a_minute(int expires, bool works)
    {
        var token = _issuer.Sign(Claims(("exp", Seconds(expires))));
        if (works) Assert.NotNull(await ValidateAsync(token));
        else Assert.Contains("expired", await RefusalAsync(token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(59, true)]
    [InlineData(61, false)]
    public async Task A_token_works_from_its_time_on_give_or_take_a_minute(int notBefore, bool works)
    {
        var token = _issuer.Sign(Claims(("nbf", Seconds(notBefore))));
        if (works) Assert.NotNull(await ValidateAsync(token));
        else Assert.Contains("not valid yet", await RefusalAsync(token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_never_expires_is_refused()
    {
        var claims = Claims();
        claims.Remove("exp");
        Assert.Contains("never expires", await RefusalAsync(_issuer.Sign(claims)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_of_another_issuer_is_refused_although_the_key_is_right() =>
        Assert.Contains($"not from {_issuer.Name}", await RefusalAsync(_issuer.Sign(Claims(("iss", "https://elsewhere")))), StringComparison.Ordinal);

    [Fact]
    public async Task A_token_that_is_not_signed_is_refused()
    {
        var unsigned = $"{TestIssuer.Part(new { alg = "none", typ = "JWT" })}.{TestIssuer.Part(Claims())}.";
        Assert.NotEmpty(await RefusalAsync(unsigned));
        Assert.NotEmpty(await RefusalAsync(_issuer.Sign(Claims(), algorithm: "none")));
    }

    // The public key is public: whoever takes it for a shared secret takes everybody's tokens.
    [Theory]
    [InlineData("first")]
    [InlineData("")]
    public async Task A_token_that_is_signed_with_the_public_key_as_a_secret_is_refused(string kid)
    {
        var signed = $"{TestIssuer.Part(new { alg = "HS256", typ = "JWT", kid })}.{TestIssuer.Part(Claims())}";
        byte[][] secrets = [Encoding.ASCII.GetBytes(_issuer.Keys["first"].ExportSubjectPublicKeyInfoPem()), _issuer.Keys["first"].ExportRSAPublicKey(), _issuer.Keys["first"].ExportParameters(false).Modulus!];
        foreach (var secret in secrets)
            Assert.NotEmpty(await RefusalAsync($"{signed}.{Base64UrlEncoder.Encode(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}"));
    }

    [Fact]
    public async Task A_shared_secret_among_the_published_keys_signs_nothing()
    {
        var secret = new byte[32];
        _issuer.InsteadOfKeys = context => context.Response.WriteAsync($$"""{"keys":[{"kty":"oct","kid":"first","k":"{{Base64UrlEncoder.Encode(secret)}}"}]}""");
        var signed = $"{TestIssuer.Part(new { alg = "HS256", typ = "JWT", kid = "first" })}.{TestIssuer.Part(Claims())}";
        Assert.NotEmpty(await RefusalAsync($"{signed}.{Base64UrlEncoder.Encode(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}"));
    }

    [Fact]
    public async Task A_changed_claim_breaks_the_signature()
    {
        var parts = _issuer.Sign(Claims()).Split('.');
        parts[1] = TestIssuer.Part(Claims(("sub", "mallory")));
        Assert.Contains("signature", await RefusalAsync(string.Join('.', parts)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("a.b.c")]
    [InlineData("a.b.c.d.e")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.")]
    public async Task What_is_no_token_is_refused(string token) => Assert.NotEmpty(await RefusalAsync(token));

    [Fact]
    public async Task A_claim_that_is_there_twice_is_refused()
    {
        var payload = $$"""{"iss":"{{_issuer.Name}}","exp":{{Seconds(600)}},"sub":"alice","sub":"bob"}""";
        Assert.NotEmpty(await RefusalAsync(_issuer.Sign(payload)));
    }

    [Fact]
    public async Task New_keys_are_found_when_a_token_names_one()
    {
        Assert.NotNull(await ValidateAsync(_issuer.Sign(Claims())));
        _issuer.Keys.Remove("first", out var old);
        using var first = old;
        _issuer.Keys["second"] = RSA.Create(2048);
        _time.Advance(IssuerKeys.MinInterval + TimeSpan.FromSeconds(1));
        Assert.NotNull(await ValidateAsync(_issuer.Sign(Claims(), "second")));

        // The old one is no longer published, so what it signed is no longer good.
        Assert.Contains("does not publish", await RefusalAsync(_issuer.Sign(Claims(), "first", key: old)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Strangers_who_name_keys_do_not_make_the_server_ask_each_time()
    {
        Assert.NotNull(await ValidateAsync(_issuer.Sign(Claims())));
        _time.Advance(IssuerKeys.MinInterval + TimeSpan.FromSeconds(1));
        using var own = RSA.Create(2048);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => RefusalAsync(_issuer.Sign(Claims(), $"made-up-{i}", key: own))));
        Assert.Equal(2, _issuer.Fetches);
    }

    [Fact]
    public async Task An_issuer_that_is_down_leaves_its_last_keys_in_force()
    {
        Assert.NotNull(await ValidateAsync(_issuer.Sign(Claims(("exp", Seconds(100_000))))));
        _issuer.InsteadOfDiscovery = context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        _time.Advance(IssuerKeys.MaxAge + TimeSpan.FromSeconds(1));
        Assert.NotNull(await ValidateAsync(_issuer.Sign(Claims(("exp", Seconds(100_000))))));
        await _logger.WaitForAsync("answered 503");
        Assert.NotNull(await ValidateAsync(_issuer.Sign(Claims(("exp", Seconds(100_000))))));
    }

    public static TheoryData<string, Func<HttpContext, Task>> Misbehaviour => new()
    {
        { "answered 500", static context => Status(context, 500) },
        { "answered 302", static context => Status(context, 302, "http://127.0.0.1:1/") },
        { "cannot be fetched", static context => context.Response.WriteAsync(new string(' ', IssuerDocuments.MaxBytes + 1)) },
        { "did not answer within 2 s", static context => Task.Delay(Timeout.Infinite, context.RequestAborted) },
        { "did not answer within 2 s", DripAsync },
        { "not what it should be", static context => context.Response.WriteAsync("<html>") },
        { "not what it should be", static context => context.Response.WriteAsync("""{"issuer":1}""") },
        { "names no issuer", static context => context.Response.WriteAsync("{}") },
        { "neither an https://", static context => context.Response.WriteAsync("""{"issuer":"x","jwks_uri":"http://192.0.2.1/keys"}""") },
        { "neither an https://", static context => context.Response.WriteAsync("""{"issuer":"x","jwks_uri":"file:///etc/passwd"}""") },
    };

    [Theory]
    [MemberData(nameof(Misbehaviour), DisableDiscoveryEnumeration = true)]
    public async Task A_hostile_issuer_costs_bounded_time_and_memory_and_is_logged(string line, Func<HttpContext, Task> answer)
    {
        _issuer.InsteadOfDiscovery = answer;
        await Assert.ThrowsAsync<IssuerException>(() => ValidateAsync(_issuer.Sign(Claims())));
        await _logger.WaitForAsync(line);

        // It is asked again later, and not at once.
        _issuer.InsteadOfDiscovery = null;
        await Assert.ThrowsAsync<IssuerException>(() => ValidateAsync(_issuer.Sign(Claims())));
        _time.Advance(IssuerKeys.MinInterval + TimeSpan.FromSeconds(1));
        Assert.NotNull(await ValidateAsync(_issuer.Sign(Claims())));
    }

    [Theory]
    [InlineData("https://issuer.example/.well-known/openid-configuration", true)]
    [InlineData("http://127.0.0.1:8080/.well-known/openid-configuration", true)]
    [InlineData("http://[::1]/x", true)]
    [InlineData("http://localhost/x", true)]
    [InlineData("http://169.254.169.254/latest", false)]
    [InlineData("http://localhost.example/x", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("ftp://127.0.0.1/x", false)]
    [InlineData("issuer", false)]
    public void Plain_http_is_for_this_host_only(string url, bool allowed) => Assert.Equal(allowed, IssuerDocuments.IsAllowed(url));

    private static Task Status(HttpContext context, int status, string? location = null)
    {
        context.Response.StatusCode = status;
        if (location is not null) context.Response.Headers.Location = location;
        return Task.CompletedTask;
    }

    private static async Task DripAsync(HttpContext context)
    {
        while (true)
        {
            await context.Response.WriteAsync(" ", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(100, context.RequestAborted);
        }
    }
}
