using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>A data disk that is full: what runs goes on, what cannot begin says so, and room that is made is used.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task What_runs_goes_on_and_what_cannot_begin_says_what_to_do()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can mount a small disk");
        using var disk = await SmallDisk.MountAsync(megabytes: 400);
        await using var server = await TestServer.StartAsync(root: disk.Path);
        using var client = await ShellClient.OpenAsync(server, shellId: "runs");
        await client.QuietAsync();

        // Below the floor: no new session, with a reason that names the cure. An old one makes new shells.
        var filler = disk.Fill(leaveMegabytes: 100);
        using var refused = await OpenUnconfirmedAsync(server, ShellClient.NewSessionId(), "refused");
        await AssertRefusedAsync(refused, "free");
        using var beside = await ShellClient.OpenAsync(server, client.SessionId, "beside");
        await beside.DetachAsync();

        // To the last byte: what is attached goes on, and so does what comes back.
        var rest = disk.Fill(leaveMegabytes: 0);
        Assert.Equal("fine\n", await client.RunAsync("echo fine"));
        using var again = await ShellClient.OpenAsync(server, client.SessionId, "beside");
        Assert.True(again.Reconnected);
        using var unlucky = await OpenUnconfirmedAsync(server, client.SessionId, "unlucky");
        await AssertRefusedAsync(unlucky, "disk is full: free space");

        File.Delete(rest);
        File.Delete(filler);
        using var lucky = await ShellClient.OpenAsync(server, client.SessionId, "unlucky");
        using var fresh = await ShellClient.OpenAsync(server);
        await fresh.QuietAsync();
        Assert.Equal("fine\n", await fresh.RunAsync("echo fine"));
        server.MayFail = true;
    }

    private static async Task<ShellClient> OpenUnconfirmedAsync(TestServer server, string sessionId, string shellId)
    {
        var (client, answer) = await ShellClient.TryOpenAsync(new Upgrade { Server = server, SessionHeader = sessionId, Query = $"shellId={shellId}" });
        Assert.Equal(101, answer.Status);
        return client!;
    }

    private static async Task AssertRefusedAsync(ShellClient client, string reason)
    {
        Assert.Equal(1011, (await client.ReadCloseAsync()).CloseCode);
        Assert.Equal("InternalError", client.Statuses.Single().GetProperty("reason").GetString());
        Assert.Contains(reason, client.Statuses.Single().GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}
