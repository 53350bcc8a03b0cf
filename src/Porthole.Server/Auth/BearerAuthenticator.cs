using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Auth.Tokens;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Auth;

/// <summary>Finds out who made a request to a runtime with an authorizer of its own: a bearer token, in a header or in a subprotocol.</summary>
internal sealed class BearerAuthenticator(ServerOptions options, TokenValidator tokens, ILogger<BearerAuthenticator> log)
{
    /// <summary>Authenticates a request.</summary>
    /// <exception cref="AwsException">
    /// 401: there is no token or a bad one, and the answer's <c>WWW-Authenticate</c> says where to read about getting one.
    /// 403: the request is signed, which this runtime does not take.
    /// </exception>
    public async Task<TokenCaller> AuthenticateAsync(HttpContext context, RequestTarget target, DeploymentName name, CustomJwtAuthorizer rules)
    {
        if (BearerToken.IsSigned(context.Request, target))
            throw new AwsException(AwsError.AccessDenied("Authorization method mismatch: this runtime takes bearer tokens of its identity provider and no signatures."));
        if (BearerToken.Read(context.Request, out var problem) is not { } token)
            throw Unauthorized(context, name, problem ?? "Missing bearer token: this runtime takes tokens of its identity provider.", invalid: problem is not null);
        try
        {
            return await tokens.ValidateAsync(token, rules, context.RequestAborted);
        }
        catch (TokenException e)
        {
            throw Unauthorized(context, name, e.Message, invalid: true);
        }
        catch (IssuerException)
        {
            AuthLog.TokenUnchecked(log, context.TraceIdentifier, rules.DiscoveryUrl);
            throw new AwsException(AwsError.Internal("The token cannot be checked now, because the identity provider's keys cannot be had. The server's log has the reason. Try again."));
        }
    }

    // Contract section 3.1.
    private AwsException Unauthorized(HttpContext context, DeploymentName name, string message, bool invalid)
    {
        var metadata = ProtectedResource.MetadataUrl(context.Request, options.PublicUrl, name);
        context.Response.Headers.WWWAuthenticate = invalid ? $"Bearer error=\"invalid_token\", resource_metadata=\"{metadata}\"" : $"Bearer resource_metadata=\"{metadata}\"";
        return new AwsException(AwsError.Unauthorized(message));
    }
}
