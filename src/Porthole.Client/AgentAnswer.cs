using System.Runtime.CompilerServices;

namespace Porthole.Client;

/// <summary>An agent's answer, whose body may still be on its way. Disposing it before the end breaks the request to the agent off.</summary>
public sealed class AgentAnswer : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly HttpResponseMessage _response;
    private readonly Stream _body;

    internal AgentAnswer(HttpResponseMessage response, Stream body, string sessionId) => (_response, _body, SessionId) = (response, body, sessionId);

    /// <summary>The session whose agent answers.</summary>
    public string SessionId { get; }

    /// <summary>What the body is; null when the agent does not say.</summary>
    public string? ContentType => _response.Content.Headers.ContentType?.ToString();

    /// <summary>Reads the body as it comes. To be read once.</summary>
    /// <param name="cancellation">Stops reading.</param>
    /// <returns>Pieces as they arrived, each valid until the next one is asked for.</returns>
    /// <exception cref="AgentCoreException">The connection broke before the end.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var buffer = new byte[BufferBytes];
        for (int count; (count = await ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0;)
            yield return buffer.AsMemory(0, count);
    }

    /// <summary>Hangs up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _body.DisposeAsync().ConfigureAwait(false);
        _response.Dispose();
    }

    private async ValueTask<int> ReadAsync(byte[] buffer, CancellationToken cancellation)
    {
        try
        {
            return await _body.ReadAsync(buffer, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new AgentCoreException($"The answer broke off: {e.GetBaseException().Message}", e);
        }
    }
}
