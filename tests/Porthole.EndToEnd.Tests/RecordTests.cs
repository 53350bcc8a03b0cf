using System.Net;
using Microsoft.Data.Sqlite;
using Porthole.EndToEnd.Tests.Harness;

namespace Porthole.EndToEnd.Tests;

/// <summary>The store knows of every connection: who, when, from where, under which request id, and how it ended.</summary>
public sealed class RecordTests
{
    [Fact]
    public async Task Every_connection_is_recorded_with_its_end()
    {
        var before = DateTimeOffset.UtcNow;
        await using var server = await TestServer.StartAsync();
        using var detached = await ShellClient.OpenAsync(server, shellId: "detached");
        var sessionId = detached.SessionId;
        await detached.QuietAsync();
        await detached.RunAsync("echo something private");
        var from = ((IPEndPoint)detached.Socket.Socket.LocalEndPoint!).ToString();
        await detached.DetachAsync();
        using var dropped = await ShellClient.OpenAsync(server, sessionId, "dropped");
        dropped.Socket.Reset();
        using var kicked = await ShellClient.OpenAsync(server, sessionId, "kicked");
        using var closed = await ShellClient.OpenAsync(server, sessionId, "kicked");
        Assert.Equal(4000, (await kicked.ReadCloseAsync()).CloseCode);
        kicked.Dispose();
        await closed.CloseShellAsync();
        using var ended = await ShellClient.OpenAsync(server, sessionId, "ended");
        await ended.SendAsync("exit 3\n");
        await ended.ReadCloseAsync();
        ended.Dispose();
        using var broken = await ShellClient.OpenAsync(server, sessionId, "broken");
        await broken.Socket.SendFrameAsync(RawFrame.Binary, [0], masked: false);
        await broken.ReadCloseAsync();
        broken.Dispose();
        using var lost = await ShellClient.OpenAsync(server, sessionId, "lost");

        // Records are written behind the requests (docs/decisions/0010): a server that is killed takes those of its last moment along.
        await Patience.UntilAsync("the last connection to be recorded", () => Read(server).Any(row => row.ShellId == "lost"));
        await server.KillAsync();
        await server.StartAgainAsync();
        using var stopped = await ShellClient.OpenAsync(server, sessionId, "stopped");
        using var api = new ApiClient(server);
        using var stop = await api.StopSessionAsync(sessionId);
        await stopped.ReadCloseAsync();
        stopped.Dispose();

        IReadOnlyList<Row> rows = [];
        await Patience.UntilAsync("all ends to be recorded", () => (rows = Read(server)).Count == 8 && rows.All(row => row.End is not null));
        Assert.Equal(
            [
                ("detached", 1000, "Detached"), ("dropped", null, "Dropped"), ("kicked", 4000, "TakenOver"), ("kicked", 1000, "ClosedByClient"),
                ("ended", 1000, "ShellExited"), ("broken", 1002, "ProtocolError"), ("lost", null, "ServerLost"), ("stopped", 1000, "SessionEnded"),
            ],
            rows.Select(row => (row.ShellId, row.CloseCode, row.End!)));
        Assert.All(rows, row =>
        {
            Assert.Equal((server.Credentials.AccessKeyId, sessionId, 101L), (row.Principal, row.SessionId, row.Status));
            Assert.True(before.ToUnixTimeMilliseconds() <= row.OpenedAt && row.OpenedAt <= row.ClosedAt && row.ClosedAt <= DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        });
        Assert.Equal(from, rows[0].RemoteAddress);
        Assert.Equal(detached.Answer.Header("x-amzn-RequestId"), rows[0].RequestId);
        Assert.True(rows[0].BytesIn > 0 && rows[0].BytesOut > 0);
    }

    private static List<Row> Read(TestServer server)
    {
        using var store = new SqliteConnection($"Data Source={Path.Combine(server.DataDirectory, "porthole.db")};Mode=ReadOnly;Pooling=False");
        store.Open();
        using var query = store.CreateCommand();
        query.CommandText = "SELECT ShellId, CloseCode, End, Principal, SessionId, Status, OpenedAt, ClosedAt, RemoteAddress, RequestId, BytesIn, BytesOut FROM ShellConnections ORDER BY Id";
        using var reader = query.ExecuteReader();
        var rows = new List<Row>();
        while (reader.Read())
        {
            rows.Add(new Row(
                reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.GetString(3),
                reader.GetString(4), reader.GetInt64(5), reader.GetInt64(6), reader.IsDBNull(7) ? 0 : reader.GetInt64(7), reader.GetString(8), reader.GetString(9),
                reader.GetInt64(10), reader.GetInt64(11)));
        }

        return rows;
    }

    private sealed record Row(
        string ShellId, int? CloseCode, string? End, string Principal, string SessionId, long Status, long OpenedAt, long ClosedAt,
        string RemoteAddress, string RequestId, long BytesIn, long BytesOut);
}
