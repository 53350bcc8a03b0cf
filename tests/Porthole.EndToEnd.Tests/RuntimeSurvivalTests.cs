using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>What is under way when a server is killed goes on in the next one.</summary>
public sealed class RuntimeSurvivalTests
{
    [Fact]
    public async Task A_runtime_whose_server_is_killed_while_it_is_made_is_brought_to_an_end_by_the_next_one()
    {
        await using var server = await TestServer.StartAsync();
        using var registry = new TcpListener(IPAddress.Loopback, 0);
        registry.Start();
        var address = registry.LocalEndpoint.ToString()!;
        var id = await CreateAsync(server, $"{address}/agent:1");

        // The registry is asked and says nothing: the runtime is on its way for as long as that lasts.
        using var asked = await registry.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().InTime();
        Assert.Equal("CREATING", (await DescribeAsync(server, id)).GetProperty("status").GetString());
        using (var api = new ApiClient(server))
        {
            using var update = await api.SendAsync(HttpMethod.Delete, $"/runtimes/{id}/", "");
            Assert.Equal(HttpStatusCode.Conflict, update.StatusCode);
        }

        await server.KillAsync();
        registry.Stop();
        await server.StartAgainAsync();
        await Patience.UntilAsync("the runtime to have failed", async () =>
            (await DescribeAsync(server, id)).GetProperty("status").GetString() is var status && status == "CREATE_FAILED");
        Assert.Contains(address, (await DescribeAsync(server, id)).GetProperty("failureReason").GetString());
    }

    private static async Task<string> CreateAsync(TestServer server, string image)
    {
        using var api = new ApiClient(server);
        using var answer = await api.SendAsync(HttpMethod.Put, "/runtimes/", JsonSerializer.Serialize(new
        {
            agentRuntimeName = "stalled",
            roleArn = "arn:aws:iam::000000000000:role/agent",
            agentRuntimeArtifact = new { containerConfiguration = new { containerUri = image } },
        }));
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).GetProperty("agentRuntimeId").GetString()!;
    }

    private static async Task<JsonElement> DescribeAsync(TestServer server, string id)
    {
        using var api = new ApiClient(server);
        using var answer = await api.SendAsync(HttpMethod.Get, $"/runtimes/{id}/", "");
        return JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }
}
