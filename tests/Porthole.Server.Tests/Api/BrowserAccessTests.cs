using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Porthole.Server.Api;

namespace Porthole.Server.Tests.Api;

public sealed class BrowserAccessTests
{
    private static async Task<HttpContext> SendAsync(string method, string? origin, string[]? allowed = null, bool upgrade = false, string host = "porthole.example:7878")
    {
        var app = new ApplicationBuilder(new ServiceCollection().BuildServiceProvider());
        app.UseBrowserAccess(allowed);
        app.Run(static context =>
        {
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        });
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        (context.Request.Method, context.Request.Host) = (method, new HostString(host));
        if (origin is not null) context.Request.Headers.Origin = origin;
        if (upgrade) context.Request.Headers.Upgrade = "websocket";
        context.Request.Headers.AccessControlRequestHeaders = "authorization,x-amz-date";
        await app.Build()(context);
        return context;
    }

    [Fact]
    public async Task A_browsers_question_is_answered_for_two_days()
    {
        var response = (await SendAsync("OPTIONS", "https://page.example")).Response;
        Assert.Equal(200, response.StatusCode);
        Assert.Equal("*", response.Headers.AccessControlAllowOrigin);
        Assert.Equal("172800", response.Headers.AccessControlMaxAge);
        Assert.Equal("authorization,x-amz-date", response.Headers.AccessControlAllowHeaders);
        Assert.Contains("PUT", response.Headers.AccessControlAllowMethods.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_may_read_the_answers_headers()
    {
        var response = (await SendAsync("POST", "https://page.example")).Response;
        Assert.Equal((204, "*"), (response.StatusCode, response.Headers.AccessControlAllowOrigin.ToString()));
        Assert.All(
            ["x-amzn-RequestId", "x-amzn-ErrorType", "WWW-Authenticate", "Mcp-Session-Id", "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", "Date"],
            name => Assert.Contains(name, response.Headers.AccessControlExposeHeaders.ToString().Split(", ")));
        Assert.Empty((await SendAsync("POST", null)).Response.Headers.AccessControlAllowOrigin.ToString());
    }

    [Theory]
    [InlineData(null, "porthole.example:7878", true)]
    [InlineData("http://porthole.example:7878", "porthole.example:7878", true)]
    [InlineData("https://porthole.example", "porthole.example", true)]
    [InlineData("http://PORTHOLE.example", "porthole.example", true)]
    [InlineData("http://porthole.example:1", "porthole.example:7878", false)]
    [InlineData("https://page.example", "porthole.example:7878", false)]
    [InlineData("null", "porthole.example:7878", false)]
    public async Task A_WebSocket_is_for_programs_and_pages_of_the_own_host(string? origin, string host, bool allowed) =>
        Assert.Equal(allowed ? 204 : 403, (await SendAsync("GET", origin, upgrade: true, host: host)).Response.StatusCode);

    [Fact]
    public async Task A_setting_names_the_pages_that_may_do_both()
    {
        string[] setting = ["https://page.example"];
        Assert.Equal(204, (await SendAsync("GET", "https://page.example", setting, upgrade: true)).Response.StatusCode);
        Assert.Equal(403, (await SendAsync("GET", "https://other.example", setting, upgrade: true)).Response.StatusCode);
        var known = (await SendAsync("POST", "https://page.example", setting)).Response.Headers;
        Assert.Equal(("https://page.example", "Origin"), (known.AccessControlAllowOrigin.ToString(), known.Vary.ToString()));
        Assert.Empty((await SendAsync("POST", "https://other.example", setting)).Response.Headers.AccessControlAllowOrigin.ToString());
        Assert.Equal(204, (await SendAsync("GET", "https://other.example", ["*"], upgrade: true)).Response.StatusCode);
    }

    [Theory]
    [InlineData("*", true)]
    [InlineData("https://page.example", true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("https://page.example/", false)]
    [InlineData("page.example", false)]
    [InlineData("ftp://page.example", false)]
    public void A_setting_is_an_origin_or_a_star(string text, bool valid) => Assert.Equal(valid, BrowserAccess.IsOrigin(text));
}
