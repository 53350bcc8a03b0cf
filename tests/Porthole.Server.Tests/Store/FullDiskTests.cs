using Microsoft.Data.Sqlite;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Store;

/// <summary>A data directory on a file system of one megabyte, which a test fills up.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly SmallDisk _disk = new();
    private readonly RecordingLogger<PortholeStore> _logger = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _disk.Dispose();
    }

    [Fact]
    public async Task A_full_disk_is_logged_and_the_records_are_written_once_there_is_room()
    {
        Assert.SkipUnless(_disk.IsMounted, "mounting a small file system needs root");
        using var held = DataDirectory.Create(_disk.Path).Lock();
        await using var store = await PortholeStore.OpenAsync(held, TimeProvider.System, _logger, TestContext.Current.CancellationToken);
        _disk.Fill();
        for (var i = 0; i < 200; i++) store.RecordConnection(Connection());
        await _logger.WaitForAsync("Records cannot be written");

        _disk.MakeRoom();
        await store.FlushAsync().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal(200, (await store.ReadConnectionsAsync(1000, TestContext.Current.CancellationToken)).Count);
        await _logger.WaitForAsync("are written to");
    }

    [Fact]
    public async Task A_server_that_stops_on_a_full_disk_leaves_its_records_in_the_log()
    {
        Assert.SkipUnless(_disk.IsMounted, "mounting a small file system needs root");
        using var held = DataDirectory.Create(_disk.Path).Lock();
        var store = await PortholeStore.OpenAsync(held, TimeProvider.System, _logger, TestContext.Current.CancellationToken);
        _disk.Fill();
        var last = Connection();
        for (var i = 0; i < 200; i++) store.RecordConnection(i == 199 ? last : Connection());
        await store.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Contains(_logger.Lines, line => line.Contains("not stored", StringComparison.Ordinal) && line.Contains(last.RequestId, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_first_start_on_a_full_disk_says_so()
    {
        Assert.SkipUnless(_disk.IsMounted, "mounting a small file system needs root");
        using var held = DataDirectory.Create(_disk.Path).Lock();
        _disk.Fill();
        var opening = () => PortholeStore.OpenAsync(held, TimeProvider.System, _logger, TestContext.Current.CancellationToken);
        Assert.Contains("free space", (await Assert.ThrowsAsync<DataDirectoryException>(opening)).Message, StringComparison.Ordinal);
    }

    private static ShellConnection Connection() => new()
    {
        RequestId = Guid.NewGuid().ToString(),
        RuntimeId = "sandbox-abcdefghij",
        Qualifier = "DEFAULT",
        SessionId = new string('s', 256),
        ShellId = new string('h', 128),
        OpenedAt = DateTimeOffset.UtcNow,
    };
}
