using System.Text.Json;
using System.Text.Json.Nodes;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>Runtimes with an agent of the test's own on the host's tools.</summary>
internal static class AgentRuntime
{
    /// <summary>Makes a runtime whose agent is a Python program.</summary>
    /// <param name="server">Where.</param>
    /// <param name="python">The program.</param>
    /// <param name="configure">Changes the runtime's configuration.</param>
    /// <returns>Its ARN.</returns>
    public static Task<string> OfPythonAsync(TestServer server, string python, Action<JsonObject>? configure = null) =>
        CreateAsync(server, configuration =>
        {
            configuration["environmentVariables"] = new JsonObject
            {
                ["PORTHOLE_AGENT_COMMAND"] = "exec python3 -u -c \"$AGENT_SOURCE\"",
                ["AGENT_SOURCE"] = python,
            };
            configure?.Invoke(configuration);
        });

    /// <summary>Makes a runtime on the host's tools and waits until it can be used.</summary>
    public static async Task<string> CreateAsync(TestServer server, Action<JsonObject> configure)
    {
        var request = new JsonObject
        {
            ["agentRuntimeName"] = "agent" + Guid.NewGuid().ToString("N")[..10],
            ["agentRuntimeArtifact"] = new JsonObject { ["containerConfiguration"] = new JsonObject { ["containerUri"] = "host" } },
            ["roleArn"] = "arn:aws:iam::000000000000:role/test",
            ["networkConfiguration"] = new JsonObject { ["networkMode"] = "PUBLIC" },
        };
        configure(request);
        using var api = new ApiClient(server);
        var created = await ReadAsync(await api.SendAsync(HttpMethod.Put, "/runtimes/", request.ToJsonString()));
        var path = $"/runtimes/{created.GetProperty("agentRuntimeId").GetString()}/";
        await Patience.UntilAsync("the runtime to be ready", async () =>
            (await ReadAsync(await api.SendAsync(HttpMethod.Get, path, ""))).GetProperty("status").GetString() == "READY");
        return created.GetProperty("agentRuntimeArn").GetString()!;
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var body = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, body);
            return JsonElement.Parse(body);
        }
    }
}
