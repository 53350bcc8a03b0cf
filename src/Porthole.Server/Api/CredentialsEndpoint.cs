using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Porthole.Protocol.Aws;
using Porthole.Server.Auth;
using Porthole.Server.Auth.Policies;
using Porthole.Server.Shells;
using Porthole.Server.Store;

namespace Porthole.Server.Api;

/// <summary>Access keys, outside AWS's paths: <c>/porthole/v1/credentials</c>.</summary>
internal sealed partial class CredentialsEndpoint(
    DataDirectory data, PortholeStore store, AccessKeyCache keys, CallerConnections connections, ILogger<CredentialsEndpoint> log)
{
    /// <summary>Where one key is, its id behind it.</summary>
    public const string ItemPrefix = "/porthole/v1/credentials/";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>GET: every key that was ever made, without its secret.</summary>
    public Task ListAsync(HttpContext context, AdminRequest request) =>
        WriteAsync(context, 200, store.ReadAccessKeys().Select(key => Description.Of(key, secret: null)));

    /// <summary>POST: makes a key. The answer is the only one that has its secret.</summary>
    public async Task CreateAsync(HttpContext context, AdminRequest request)
    {
        var (name, policy) = Parse(request.Body);
        var key = await store.AddAccessKeyAsync(name, policy, context.RequestAborted);
        keys.Forget();
        AuthLog.KeyMade(log, key.AccessKeyId, request.Caller.Principal);
        await WriteAsync(context, 201, Description.Of(key, key.SecretAccessKey));
    }

    /// <summary>DELETE: takes a key back at once, and closes the shells that it opened.</summary>
    public async Task RevokeAsync(HttpContext context, AdminRequest request)
    {
        var id = request.Target.RawPath[ItemPrefix.Length..];
        AccessKey key;
        try
        {
            key = await store.RevokeAccessKeyAsync(id, context.RequestAborted) ?? throw new AwsException(AwsError.NotFound($"The access key '{id}' does not exist."));
        }
        catch (LastOperatorKeyException e)
        {
            throw new AwsException(AwsError.Conflict(e.Message));
        }

        keys.Forget();

        // The server's own users go on with another key when the revoked one was theirs.
        ServerInfo.WriteCredentials(data, await store.ReadOperatorKeyAsync(context.RequestAborted));
        AuthLog.KeyRevoked(log, id, request.Caller.Principal, connections.CloseAll(id));
        await WriteAsync(context, 200, Description.Of(key, secret: null));
    }

    private static (string? Name, string? Policy) Parse(ReadOnlyMemory<byte> body)
    {
        CreateRequest? wanted;
        try
        {
            wanted = body.IsEmpty ? new CreateRequest(null, null) : JsonSerializer.Deserialize<CreateRequest>(body.Span, Json);
        }
        catch (JsonException)
        {
            wanted = null;
        }

        if (wanted is null) throw new AwsException(AwsError.CannotParse("The body is no JSON object with a name and a policy, both of them texts."));
        if (wanted.Name is { } name && !Names().IsMatch(name))
            throw new AwsException(AwsError.InvalidField("name", "A name is 1 to 64 letters, digits, '_', '-', '.', '@', '+', '=' and ',', and does not look like an access key's id."));
        try
        {
            if (wanted.Policy is { } policy) Policy.ParseForPrincipal(policy);
        }
        catch (PolicyException e)
        {
            throw new AwsException(AwsError.InvalidField("policy", e.Message));
        }

        return (wanted.Name, wanted.Policy);
    }

    private static Task WriteAsync(HttpContext context, int status, object answer)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(answer, Json, context.RequestAborted);
    }

    // A user's name in IAM. It is part of the key's ARN, which other keys without a name are known by under their id.
    [GeneratedRegex("^(?!PHKA[A-Z2-7]{16}$)[A-Za-z0-9_+=,.@-]{1,64}$")]
    private static partial Regex Names();

    private sealed record CreateRequest(string? Name, string? Policy);

    private sealed record Description(string AccessKeyId, string? SecretAccessKey, string? Name, string? Policy, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt)
    {
        public static Description Of(AccessKey key, string? secret) => new(key.AccessKeyId, secret, key.Name, key.Policy, key.CreatedAt, key.RevokedAt);
    }
}
