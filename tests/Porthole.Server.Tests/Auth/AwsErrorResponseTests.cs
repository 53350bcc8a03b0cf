using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;

namespace Porthole.Server.Tests.Auth;

/// <summary>Authentication and its errors through a real Kestrel, where targets and headers are those of the wire.</summary>
public sealed class AwsErrorResponseTests(AuthFixture fixture) : IClassFixture<AuthFixture>, IAsyncLifetime
{
    private WebApplication _app = null!;
    private Uri _address = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.UseRequestIds();
        var authenticator = fixture.NewAuthenticator(TimeProvider.System);
        _app.Run(context => AnswerAsync(authenticator, context));
        await _app.StartAsync();
        _address = new Uri(_app.Urls.First());
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task AnswerAsync(SigV4Authenticator authenticator, HttpContext context)
    {
        if (!RawTarget.TryRead(context, out var target, out var error) || !authenticator.TryAuthenticate(context, target, SigV4.EmptySha256, out var caller, out error))
        {
            await AwsErrorResponse.WriteAsync(context, error);
            return;
        }

        await context.Response.WriteAsync($"{caller.Principal} {target.Operation} {target.Runtime}", context.RequestAborted);
    }

    // A socket and not HttpClient, which would tidy the target up.
    private async Task<string> SendAsync(string rawTarget, params IEnumerable<KeyValuePair<string, string>> headers)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_address.Host, _address.Port, TestContext.Current.CancellationToken);
        var head = new StringBuilder($"GET {rawTarget} HTTP/1.1\r\nConnection: close\r\n");
        foreach (var (name, value) in headers) head.Append($"{name}: {value}\r\n");
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("%2F")]
    [InlineData("/")]
    public async Task A_signed_request_is_let_in_with_an_encoded_and_with_a_raw_slash_in_its_ARN(string slash)
    {
        var raw = $"{AuthFixture.Path.Replace("%2F", slash, StringComparison.Ordinal)}?{AuthFixture.Query}";
        Assert.True(RequestTarget.TryParse(raw, out var target));
        var host = new KeyValuePair<string, string>("Host", _address.Authority);
        var signed = new SigV4Signer(AuthFixture.Credentials, AuthFixture.Region).SignHeaders(new SigV4Request("GET", target, [host]), SigV4.EmptySha256, DateTimeOffset.UtcNow);
        var answer = await SendAsync(raw, [host, .. signed]);
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("AKIDEXAMPLE InvokeAgentRuntimeCommandShell arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_agent-abcdefghij", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_without_the_port_is_completed_with_the_listening_one()
    {
        var raw = $"{AuthFixture.Path}?{AuthFixture.Query}";
        Assert.True(RequestTarget.TryParse(raw, out var target));
        var signed = new SigV4Signer(AuthFixture.Credentials, AuthFixture.Region)
            .SignHeaders(new SigV4Request("GET", target, [new("Host", _address.Authority)]), SigV4.EmptySha256, DateTimeOffset.UtcNow);
        Assert.StartsWith("HTTP/1.1 200", await SendAsync(raw, [new("Host", _address.Host), .. signed]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_has_the_headers_and_the_body_that_clients_read()
    {
        var answer = await SendAsync(AuthFixture.Path, new KeyValuePair<string, string>("Host", _address.Authority));
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nx-amzn-ErrorType: AccessDeniedException\r\n", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Matches("(?i)\r\nx-amzn-RequestId: [0-9a-f-]{36}\r\n", answer);
        Assert.Contains("\r\nContent-Type: application/json\r\n", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("{\"message\":\"Missing Authentication Token", answer, StringComparison.Ordinal);
        Assert.Contains("\"error\":\"Missing Authentication Token", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("WWW-Authenticate", answer, StringComparison.OrdinalIgnoreCase);
    }
}
