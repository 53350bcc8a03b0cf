using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Porthole.Protocol.Aws;

namespace Porthole.Server.Api;

/// <summary>
/// The body of an invocation on its way to an agent. A signature covers the body's hash: where the client names that in a header, the body
/// streams and is compared at its end; where it does not, as boto3, the body is received in full first, the larger part of it on disk.
/// </summary>
internal sealed class InvocationBody : IAsyncDisposable
{
    /// <summary>Longest body (contract section 6).</summary>
    public const long MaxBytes = 100_000_000;

    // Of a body that has to be received first, what stays in memory. Prompts do; uploads go to the disk.
    private const int MemoryBytes = 256 * 1024;

    private readonly Stream _stream;
    private readonly HashedStream? _hashed;

    private InvocationBody(Stream stream, HashedStream? hashed, string sha256, long? length) =>
        (_stream, _hashed, Sha256, Length) = (stream, hashed, sha256, length);

    /// <summary>What the request's signature has to be verified with; the body keeps to it, or <see cref="Read"/> breaks off.</summary>
    public string Sha256 { get; }

    /// <summary>Its length, when that is known before its end.</summary>
    public long? Length { get; }

    /// <summary>Why the body broke off, when it was not what the client signed.</summary>
    public AwsError? Failure => _hashed?.Failure;

    /// <summary>The bytes, once.</summary>
    public Stream Read => _stream;

    /// <summary>Prepares a request's body.</summary>
    /// <param name="context">The request.</param>
    /// <param name="spoolDirectory">Where a long body goes that has to be received first.</param>
    /// <exception cref="BadHttpRequestException">It is too long.</exception>
    public static async Task<InvocationBody> OpenAsync(HttpContext context, string spoolDirectory)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxBytes;
        var request = context.Request;
        if (request.ContentLength > MaxBytes)
            throw new BadHttpRequestException($"The body is {request.ContentLength} bytes long; {MaxBytes} are the most.");
        var declared = request.Headers[SigV4.ContentSha256Header].ToString();
        if (declared.Length == SigV4.EmptySha256.Length)
        {
            var hashed = new HashedStream(request.Body, declared);
            return new InvocationBody(hashed, hashed, declared, request.ContentLength);
        }

        // Not signed for, which only a header that is itself signed may say; or proven by a token, which covers no body.
        if (declared == SigV4.UnsignedPayload || Auth.BearerToken.IsPresent(request))
            return new InvocationBody(request.Body, null, SigV4.EmptySha256, request.ContentLength);
        return await SpoolAsync(request.Body, spoolDirectory, context.RequestAborted);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static async Task<InvocationBody> SpoolAsync(Stream body, string directory, CancellationToken cancellationToken)
    {
        var spool = new FileBufferingReadStream(body, MemoryBytes, MaxBytes, directory);
        try
        {
            var hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(spool, cancellationToken));
            spool.Position = 0;
            return new InvocationBody(spool, null, hash, spool.Length);
        }
        catch
        {
            await spool.DisposeAsync();
            throw;
        }
    }
}
