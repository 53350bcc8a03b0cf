using System.Net;
using System.Text;
using System.Text.Json;
using Porthole.Protocol.Aws;

namespace Porthole.Client;

/// <summary>Reads an answer that refuses a request into words.</summary>
internal static class ErrorAnswer
{
    // An error is a sentence or two. A proxy's whole error page is not worth more memory than this.
    private const int MaxBodyBytes = 16 * 1024;

    internal static async Task<AgentCoreException> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = await ReadBodyAsync(response.Content, cancellation).ConfigureAwait(false);
        var (name, message) = Parse(body);

        // Some services put more behind a colon.
        name = (Header(response, AwsError.TypeHeader) ?? name)?.Split(':')[0];
        return new AgentCoreException((int)response.StatusCode, name, message ?? Describe(response), Header(response, AwsError.RequestIdHeader));
    }

    private static string Describe(HttpResponseMessage response)
    {
        var answer = $"The server answered {(int)response.StatusCode} {response.ReasonPhrase}";
        return response.StatusCode == HttpStatusCode.OK
            ? $"{answer} where a WebSocket was expected. Is the address the data plane's?"
            : $"{answer} without saying why.";
    }

    private static async Task<byte[]> ReadBodyAsync(HttpContent content, CancellationToken cancellation)
    {
        var body = new byte[MaxBodyBytes];
        try
        {
            var stream = await content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            await using var disposing = stream.ConfigureAwait(false);
            var length = await stream.ReadAtLeastAsync(body, MaxBodyBytes, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            return body[..length];
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // The connection broke inside the explanation; the status alone still says that the request was refused.
            return [];
        }
    }

    private static (string? Name, string? Message) Parse(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return default;
            return (Text(root, "__type") ?? Text(root, "code"), Text(root, "message") ?? Text(root, "Message") ?? Text(root, "error"));
        }
        catch (JsonException)
        {
            return (null, PlainText(body));
        }
    }

    // A web page says nothing to somebody at a terminal; one line of text does.
    private static string? PlainText(byte[] body)
    {
        var text = Encoding.UTF8.GetString(body).Trim();
        return text.Length is > 0 and < 300 && !text.StartsWith('<') && !text.Any(char.IsControl) ? text : null;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String && member.GetString() is { Length: > 0 } text ? text : null;

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
