using System.Text.Json;
using System.Text.RegularExpressions;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>
/// Requests as botocore 1.43.11 writes them, recorded; Debian's own does not know the control plane yet. They are signed as botocore signs:
/// without <c>x-amz-content-sha256</c>. What it needs of an answer is the status and the members that its model requires.
/// </summary>
public sealed partial class BotoControlTests(SharedServer shared)
{
    private const string Token = "0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task The_requests_that_boto3_makes_in_the_life_of_a_runtime_are_understood()
    {
        using var api = new ApiClient(shared.Server);
        var name = $"boto_{Guid.NewGuid():N}"[..24];
        var created = await AskAsync(api, "PUT", "/runtimes/", 202,
            $$$"""
            {"agentRuntimeName": "{{{name}}}", "agentRuntimeArtifact": {"containerConfiguration": {"containerUri": "host"}}, "roleArn": "arn:aws:iam::000000000000:role/agent", "networkConfiguration": {"networkMode": "PUBLIC"}, "clientToken": "{{{Token}}}01", "lifecycleConfiguration": {"maxLifetime": 600}, "environmentVariables": {"A": "\u00e9"}, "tags": {"team": "a b"}}
            """,
            "agentRuntimeArn", "agentRuntimeId", "agentRuntimeVersion", "createdAt", "status");
        var id = created.GetProperty("agentRuntimeId").GetString()!;
        var arn = Uri.EscapeDataString(created.GetProperty("agentRuntimeArn").GetString()!);
        var runtime = $"/runtimes/{id}/";
        await ReadyAsync(api, runtime);

        var listed = await AskAsync(api, "POST", "/runtimes/?maxResults=100", 200, "", "agentRuntimes");
        AssertHas(Assert.Single(listed.GetProperty("agentRuntimes").EnumerateArray(), entry => entry.GetProperty("agentRuntimeId").GetString() == id),
            "agentRuntimeArn", "agentRuntimeId", "agentRuntimeVersion", "agentRuntimeName", "description", "lastUpdatedAt", "status");
        var described = await AskAsync(api, "GET", runtime + "?version=1", 200, "",
            "agentRuntimeArn", "agentRuntimeName", "agentRuntimeId", "agentRuntimeVersion", "createdAt", "lastUpdatedAt", "roleArn", "networkConfiguration", "status",
            "lifecycleConfiguration");
        Assert.Equal("é", described.GetProperty("environmentVariables").GetProperty("A").GetString());
        Assert.Equal("""{"idleRuntimeSessionTimeout":600,"maxLifetime":600}""", described.GetProperty("lifecycleConfiguration").GetRawText());

        await AskAsync(api, "PUT", runtime, 202,
            $$$"""
            {"agentRuntimeArtifact": {"containerConfiguration": {"containerUri": "host"}}, "roleArn": "arn:aws:iam::000000000000:role/agent", "networkConfiguration": {"networkMode": "PUBLIC"}, "clientToken": "{{{Token}}}02"}
            """,
            "agentRuntimeArn", "agentRuntimeId", "agentRuntimeVersion", "createdAt", "lastUpdatedAt", "status");
        await ReadyAsync(api, runtime);
        var versions = await AskAsync(api, "POST", runtime + "versions/", 200, "", "agentRuntimes");
        Assert.Equal(2, versions.GetProperty("agentRuntimes").GetArrayLength());

        var endpoints = runtime + "runtime-endpoints/";
        await AskAsync(api, "PUT", endpoints, 202, $$$"""{"name": "prod", "agentRuntimeVersion": "1", "clientToken": "{{{Token}}}03"}""",
            "targetVersion", "agentRuntimeEndpointArn", "agentRuntimeArn", "status", "createdAt");
        await ReadyAsync(api, endpoints + "prod/");
        Assert.Equal(2, (await AskAsync(api, "POST", endpoints, 200, "", "runtimeEndpoints")).GetProperty("runtimeEndpoints").GetArrayLength());
        await AskAsync(api, "GET", endpoints + "prod/", 200, "", "agentRuntimeEndpointArn", "agentRuntimeArn", "status", "createdAt", "lastUpdatedAt", "name", "id");
        await AskAsync(api, "PUT", endpoints + "prod/", 202, $$$"""{"agentRuntimeVersion": "2", "clientToken": "{{{Token}}}04"}""",
            "agentRuntimeEndpointArn", "agentRuntimeArn", "status", "createdAt", "lastUpdatedAt");
        await ReadyAsync(api, endpoints + "prod/");
        await AskAsync(api, "DELETE", $"{endpoints}prod/?clientToken={Token}05", 202, "", "status");

        await AskAsync(api, "POST", $"/tags/{arn}", 204, """{"tags": {"k": "v"}}""");
        var tags = (await AskAsync(api, "GET", $"/tags/{arn}", 200, "", "tags")).GetProperty("tags");
        Assert.Equal("""{"k":"v","team":"a b"}""", JsonSerializer.Serialize(tags.Deserialize<SortedDictionary<string, string>>()));
        await AskAsync(api, "DELETE", $"/tags/{arn}?tagKeys=k&tagKeys=a%20b", 204, "");
        await AskAsync(api, "PUT", $"/resourcepolicy/{arn}", 201, """{"policy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}"}""", "policy");
        await AskAsync(api, "GET", $"/resourcepolicy/{arn}", 200, "", "policy");
        await AskAsync(api, "DELETE", $"/resourcepolicy/{arn}", 204, "");
        await AskAsync(api, "DELETE", $"{runtime}?clientToken={Token}06", 202, "", "status");
    }

    private static async Task<JsonElement> AskAsync(ApiClient api, string method, string target, int status, string body, params string[] required)
    {
        using var answer = await api.SendAsync(new HttpMethod(method), target, body);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == (int)answer.StatusCode, $"{method} {target}: {(int)answer.StatusCode} {text}");
        if (status == 204)
        {
            Assert.Empty(text);
            return default;
        }

        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        var json = JsonElement.Parse(text);
        AssertHas(json, required);
        return json;
    }

    private static void AssertHas(JsonElement json, params string[] required)
    {
        foreach (var name in required)
        {
            Assert.True(json.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null, $"{name} is missing in {json}");
            if (name.EndsWith("At", StringComparison.Ordinal))
                Assert.Matches(Iso8601(), member.GetString());
        }
    }

    private static Task ReadyAsync(ApiClient api, string target) => Patience.UntilAsync($"{target} to be ready", async () =>
    {
        var status = (await AskAsync(api, "GET", target, 200, "", "status")).GetProperty("status").GetString();
        Assert.True(status is "CREATING" or "UPDATING" or "READY", status);
        return status == "READY";
    });

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\z")]
    private static partial Regex Iso8601();
}
