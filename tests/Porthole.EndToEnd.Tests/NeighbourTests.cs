using System.Diagnostics;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>A session that misbehaves harms itself: its neighbour stays quick, and it can still be stopped.</summary>
public sealed class NeighbourTests
{
    // Far above what a busy test machine needs for one line, far below what anybody would call responsive.
    private static readonly TimeSpan Responsive = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_fork_bomb()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "an ordinary user has no control groups to limit processes with");
        await HarmlessAsync("bomb() { bomb | bomb & }; bomb\n", async client => await client.ReadUntilAsync("fork: "));
    }

    [Fact]
    public async Task A_full_disk()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "an ordinary user's session has no disk of its own");
        await HarmlessAsync("cat /dev/zero > /root/fill; cat /dev/zero > /tmp/fill; echo fu''ll\n", async client => await client.ReadUntilAsync("full"));
    }

    [Fact]
    public async Task Memory_without_end()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "an ordinary user has no control groups to limit memory with");
        await HarmlessAsync("tail /dev/zero; echo sur''vived\n", async client => await client.ReadUntilAsync("survived"));
    }

    [Fact]
    public Task All_processors() => HarmlessAsync("for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; echo bu''sy\n", async client => await client.ReadUntilAsync("busy"));

    [Fact]
    public Task A_flood_of_output() => HarmlessAsync("yes\n", async client =>
    {
        for (var frames = 0; frames < 100; frames++)
            await client.ReadAsync();
    });

    private static async Task HarmlessAsync(string harm, Func<ShellClient, Task> isUnderWay)
    {
        await using var server = await TestServer.StartAsync("""
            "sandbox": { "cpus": 0.5, "memoryBytes": 268435456, "processes": 100, "diskBytes": 67108864 }
            """);
        using var neighbour = await ShellClient.OpenAsync(server);
        await neighbour.QuietAsync();
        using var client = await ShellClient.OpenAsync(server);
        await client.QuietAsync();
        await client.SendAsync(harm);
        await isUnderWay(client);
        for (var i = 0; i < 10; i++)
        {
            var asked = Stopwatch.GetTimestamp();
            Assert.Equal($"{i}\n", await neighbour.RunAsync($"echo {i} > /tmp/file && cat /tmp/file"));
            Assert.InRange(Stopwatch.GetElapsedTime(asked), TimeSpan.Zero, Responsive);
        }

        using var api = new ApiClient(server);
        var stopping = Stopwatch.GetTimestamp();
        using var stopped = await api.StopSessionAsync(client.SessionId);
        Assert.Equal(200, (int)stopped.StatusCode);
        Assert.InRange(Stopwatch.GetElapsedTime(stopping).TotalSeconds, 0, 15);
        Assert.Equal("still here\n", await neighbour.RunAsync("echo still here"));
    }
}
