using System.Text.Json;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>The head of an HTTP response, and its body unless it is an upgrade.</summary>
internal sealed record HttpAnswer(int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, string Body)
{
    /// <summary>The only value of a header; null when it is absent. Two fail the test.</summary>
    public string? Header(string name) =>
        Headers.Where(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value).SingleOrDefault();

    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>Checks the form of an error that every official client can read (contract section 7).</summary>
    public void AssertError(int status, string name, string message = "")
    {
        Assert.True(Status == status, $"{status} expected, got {this}");
        Assert.Equal(name, Header("x-amzn-ErrorType"));
        Assert.False(string.IsNullOrEmpty(Header("x-amzn-RequestId")));
        Assert.StartsWith("application/json", Header("Content-Type"), StringComparison.Ordinal);
        var text = Json.GetProperty("message").GetString();
        Assert.Equal(text, Json.GetProperty("error").GetString());
        Assert.Contains(message, text, StringComparison.Ordinal);
        if (name == "ValidationException")
            Assert.Contains(Json.GetProperty("reason").GetString(), (string[])["CannotParse", "FieldValidationFailed", "ResourceConflict"]);
    }

    public override string ToString() => $"{Status} {string.Join(", ", Headers.Select(header => $"{header.Key}: {header.Value}"))} {Body}";

    public static HttpAnswer Parse(string head, string body)
    {
        var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).Select(pair => KeyValuePair.Create(pair[0], pair[1].Trim())).ToList();
        return new HttpAnswer(int.Parse(lines[0].Split(' ')[1]), headers, body);
    }
}
