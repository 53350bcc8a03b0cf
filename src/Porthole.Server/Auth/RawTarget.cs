using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Porthole.Protocol.Aws;

namespace Porthole.Server.Auth;

/// <summary>The target of a request as its bytes were sent. <see cref="HttpRequest.Path"/> is decoded in part and serves neither routing nor signatures.</summary>
public static class RawTarget
{
    /// <summary>Reads the target.</summary>
    /// <param name="context">The request.</param>
    /// <param name="target">The target, when the result is true.</param>
    /// <param name="error">The answer to give, when the result is false.</param>
    public static bool TryRead(HttpContext context, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out AwsError? error)
    {
        ArgumentNullException.ThrowIfNull(context);
        error = null;
        if (RequestTarget.TryParse(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, out target)) return true;
        error = AwsError.CannotParse("The path or query is not valid percent-encoding of UTF-8.");
        return false;
    }
}
