using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;

namespace Porthole.Server.Api;

/// <summary>
/// Which web pages may use the server from a browser. A page gets nothing by being allowed: there are no cookies, and whoever has no signature
/// or token is refused like anybody else.
/// </summary>
internal static class BrowserAccess
{
    // Contract section 2.2.
    private const string MaxAgeSeconds = "172800", Methods = "GET, POST, PUT, DELETE, OPTIONS";

    private const string Exposed =
        "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, "
        + "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id, X-Amzn-Trace-Id, traceparent, tracestate, Date";

    /// <summary>
    /// Answers what browsers ask beforehand, and refuses WebSockets of pages that may not open one: a browser would not ask for those.
    /// </summary>
    /// <param name="app">The pipeline.</param>
    /// <param name="allowed">The origins that are allowed, <c>*</c> for all; null for what the service does: all for requests, and the own host for WebSockets.</param>
    public static IApplicationBuilder UseBrowserAccess(this IApplicationBuilder app, IReadOnlyList<string>? allowed) => app.Use((context, next) =>
    {
        var (request, response) = (context.Request, context.Response);
        var origin = request.Headers.Origin.ToString();
        var isKnown = allowed is null || allowed.Contains("*") || (origin.Length > 0 && (allowed.Contains(origin) || IsOwn(request, origin)));
        if (isKnown && (origin.Length > 0 || HttpMethods.IsOptions(request.Method)))
        {
            var anybody = allowed is null || allowed.Contains("*");
            response.Headers.AccessControlAllowOrigin = anybody ? "*" : origin;
            response.Headers.AccessControlExposeHeaders = Exposed;
            if (!anybody) response.Headers.Vary = "Origin";
        }

        if (HttpMethods.IsOptions(request.Method)) return AnswerPreflightAsync(context);
        var isUpgrade = request.Headers.Upgrade.Count > 0;
        return isUpgrade && origin.Length > 0 && !(allowed is null ? IsOwn(request, origin) : isKnown)
            ? AwsErrorResponse.WriteAsync(context, AwsError.AccessDenied("Pages of this origin may not open WebSockets here. The server's setting allowedOrigins names those that may."))
            : next(context);
    });

    /// <summary>Whether a setting names an origin: scheme, host and port, or all by <c>*</c>.</summary>
    public static bool IsOrigin(string text) => text == "*"
        || (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == text);

    private static Task AnswerPreflightAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.AccessControlAllowMethods = Methods;

        // By name: "*" would leave out Authorization.
        if (context.Request.Headers.AccessControlRequestHeaders is { Count: > 0 } wanted) headers.AccessControlAllowHeaders = wanted.ToString();
        headers.AccessControlMaxAge = MaxAgeSeconds;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    // A proxy with TLS in front leaves the host's name and hides the scheme.
    private static bool IsOwn(HttpRequest request, string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && uri.Host.Equals(request.Host.Host, StringComparison.OrdinalIgnoreCase)
        && (request.Host.Port is { } port ? uri.Port == port : uri.IsDefaultPort);
}
