using System.Text.Json;

namespace Porthole.Server.Agents;

/// <summary>What an agent says of itself (contract section 9.2).</summary>
internal enum AgentStatus
{
    /// <summary>It waits for work: the idle clock runs.</summary>
    Healthy,

    /// <summary>It works on something in the background: the session stays.</summary>
    HealthyBusy,
}

/// <summary>Asks an agent how it is.</summary>
internal static class AgentHealth
{
    // The answer is some fifty bytes; more than this is nobody's health.
    private const int MaxAnswerBytes = 16 * 1024;

    /// <summary>
    /// Asks once. The answer's <c>time_of_last_update</c> is not looked at: some agents move it at every question, and what counts is when the
    /// status was seen to change (contract section 15, trap 22).
    /// </summary>
    /// <exception cref="AgentFailedException">It does not answer, or answers something else.</exception>
    public static async Task<AgentStatus> AskAsync(HttpMessageInvoker http, Uri ping, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, ping);
            using var response = await http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
                throw new AgentFailedException($"GET {ping.AbsolutePath} was answered with {(int)response.StatusCode}");
            return Read(await ReadAsync(response, cancellationToken))
                ?? throw new AgentFailedException($$"""GET {{ping.AbsolutePath}} was not answered with {"status": "Healthy"} or {"status": "HealthyBusy"}""");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new AgentFailedException($"GET {ping.AbsolutePath}: {e.GetBaseException().Message}");
        }
    }

    /// <summary>The status in an answer's body; null when there is none.</summary>
    internal static AgentStatus? Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var status = json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("status", out var member) ? member : default;
            return status.ValueKind != JsonValueKind.String ? null : status.GetString() switch
            {
                "Healthy" => AgentStatus.Healthy,
                "HealthyBusy" => AgentStatus.HealthyBusy,
                _ => null,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = new byte[MaxAnswerBytes];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        return body.AsMemory(0, await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken));
    }
}
