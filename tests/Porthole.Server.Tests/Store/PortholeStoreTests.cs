using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Porthole.Protocol.Aws;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Store;

public sealed class PortholeStoreTests : IDisposable
{
    private const string Account = "000000000000";
    private const string Region = "us-east-1";

    private readonly TemporaryDirectory _temporary = new();
    private readonly DataDirectoryLock _held;
    private readonly RecordingLogger<PortholeStore> _logger = new();

    public PortholeStoreTests() => _held = DataDirectory.Create(_temporary.Path).Lock();

    private string StorePath => _held.Directory.StorePath;

    public void Dispose()
    {
        _held.Dispose();
        SqliteConnection.ClearAllPools();
        _temporary.Dispose();
    }

    private Task<PortholeStore> OpenAsync() => PortholeStore.OpenAsync(_held, TimeProvider.System, _logger, TestContext.Current.CancellationToken);

    private static ShellConnection Connection(string shellId = "sh-1") => new()
    {
        RequestId = Guid.NewGuid().ToString(),
        Principal = "PHKATEST",
        RemoteAddress = "127.0.0.1:5000",
        RuntimeId = "sandbox-abcdefghij",
        Qualifier = "DEFAULT",
        SessionId = new string('s', 36),
        ShellId = shellId,
        OpenedAt = DateTimeOffset.UtcNow,
    };

    [Fact]
    public async Task A_first_start_makes_one_access_key_and_the_runtime_sandbox_and_a_second_start_keeps_them()
    {
        await using (var store = await OpenAsync())
        {
            var runtime = await store.EnsureDefaultsAsync(Account, Region, TestContext.Current.CancellationToken);
            Assert.StartsWith($"arn:aws:bedrock-agentcore:{Region}:{Account}:runtime/sandbox-", runtime.Arn.ToString(), StringComparison.Ordinal);
            Assert.True(RuntimeArn.TryParse(runtime.Arn.ToString(), out _));
        }

        await using (var store = await OpenAsync())
        {
            var runtime = await store.EnsureDefaultsAsync(Account, Region, TestContext.Current.CancellationToken);
            var key = Assert.Single(store.ReadAccessKeys());
            Assert.Equal((20, 40), (key.AccessKeyId.Length, key.SecretAccessKey.Length));
            Assert.Equal(runtime.Id, Assert.Single(await store.ReadRuntimesAsync(TestContext.Current.CancellationToken)).Id);
            Assert.Equal("sandbox", (await store.FindRuntimeAsync(runtime.Id, TestContext.Current.CancellationToken))?.Name);
            Assert.Equal(runtime.Id, (await store.FindRuntimeByNameAsync("sandbox", Account, Region, TestContext.Current.CancellationToken))?.Id);
            Assert.Null(await store.FindRuntimeAsync("sandbox-zzzzzzzzzz", TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task Another_region_gets_a_sandbox_of_its_own_and_no_second_key()
    {
        await using var store = await OpenAsync();
        var here = await store.EnsureDefaultsAsync(Account, Region, TestContext.Current.CancellationToken);
        var there = await store.EnsureDefaultsAsync(Account, "eu-west-1", TestContext.Current.CancellationToken);
        Assert.NotEqual(here.Id, there.Id);
        Assert.Single(store.ReadAccessKeys());
    }

    [Fact]
    public async Task The_file_and_its_journal_are_their_owners_alone_and_the_secret_is_never_logged()
    {
        await using var store = await OpenAsync();
        await store.EnsureDefaultsAsync(Account, Region, TestContext.Current.CancellationToken);
        foreach (var file in Directory.GetFiles(_temporary.Path, "porthole.db*"))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.True(File.Exists(StorePath + "-wal"));

        var key = Assert.Single(store.ReadAccessKeys());
        await _logger.WaitForAsync(key.AccessKeyId);
        Assert.DoesNotContain(_logger.Lines, line => line.Contains(key.SecretAccessKey, StringComparison.Ordinal));
        Assert.DoesNotContain(key.SecretAccessKey, $"{key} {key.ToCredentials()}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_others_can_read_is_closed_to_them_and_that_is_said()
    {
        await (await OpenAsync()).DisposeAsync();
        File.SetUnixFileMode(StorePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await using var store = await OpenAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(StorePath));
        await _logger.WaitForAsync("readable by others");
    }

    [Fact]
    public async Task Another_process_reads_it_while_the_server_runs()
    {
        await using var store = await OpenAsync();
        var runtime = await store.EnsureDefaultsAsync(Account, Region, TestContext.Current.CancellationToken);
        await using var reader = await PortholeStore.OpenExistingAsync(DataDirectory.Existing(_temporary.Path), TestContext.Current.CancellationToken);
        Assert.Equal(runtime.Id, Assert.Single(await reader.ReadRuntimesAsync(TestContext.Current.CancellationToken)).Id);
    }

    [Fact]
    public async Task Connections_and_sessions_are_written_down_with_their_ends()
    {
        await using var store = await OpenAsync();
        var session = new SessionRecord { RuntimeId = "sandbox-abcdefghij", Qualifier = "DEFAULT", SessionId = new string('s', 36), StartedAt = DateTimeOffset.UtcNow };
        var connection = Connection();
        store.RecordSessionStarted(session);
        store.RecordConnection(connection);
        store.RecordConnectionEnded(connection.Id, ConnectionEnd.TakenOver, 4000, 5, 70_000_000_000);
        store.RecordSessionEnded(session.Id, SessionEnd.Idle);
        await store.FlushAsync();

        var stored = Assert.Single(await store.ReadConnectionsAsync(10, TestContext.Current.CancellationToken));
        Assert.Equal((connection.RequestId, "PHKATEST", "127.0.0.1:5000", "sh-1", 101), (stored.RequestId, stored.Principal, stored.RemoteAddress, stored.ShellId, stored.Status));
        Assert.Equal((ConnectionEnd.TakenOver, 4000, 5, 70_000_000_000), (stored.End, stored.CloseCode, stored.BytesIn, stored.BytesOut));
        Assert.InRange(stored.ClosedAt!.Value, stored.OpenedAt, DateTimeOffset.UtcNow);
        Assert.Equal(SessionEnd.Idle, Assert.Single(await store.ReadSessionsAsync(10, TestContext.Current.CancellationToken)).End);
    }

    [Fact]
    public async Task Closing_the_store_writes_what_waits()
    {
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < 1000; i++) store.RecordConnection(Connection($"sh-{i}"));
        }

        await using var again = await OpenAsync();
        Assert.Equal(1000, (await again.ReadConnectionsAsync(2000, TestContext.Current.CancellationToken)).Count);
    }

    [Fact]
    public async Task A_connection_without_an_end_is_closed_by_the_next_server()
    {
        await using (var store = await OpenAsync()) store.RecordConnection(Connection());
        await using var next = await OpenAsync();
        var stored = Assert.Single(await next.ReadConnectionsAsync(10, TestContext.Current.CancellationToken));
        Assert.Equal(ConnectionEnd.ServerLost, stored.End);
        Assert.NotNull(stored.ClosedAt);
        await _logger.WaitForAsync("gone without a word");
    }

    [Fact]
    public async Task One_record_that_cannot_be_stored_does_not_take_its_neighbours_with_it()
    {
        await using var store = await OpenAsync();
        var twice = Connection("twice");
        store.RecordConnection(Connection("before"));
        store.RecordConnection(twice);
        store.RecordConnection(twice);
        store.RecordConnection(Connection("after"));
        await store.FlushAsync();
        var stored = await store.ReadConnectionsAsync(10, TestContext.Current.CancellationToken);
        Assert.Equal(["after", "before", "twice"], stored.Select(c => c.ShellId).Order());
        await _logger.WaitForAsync("Not stored: connection");
    }

    [Fact]
    public async Task The_model_has_no_change_that_a_migration_lacks()
    {
        await using var db = new StoreContextFactory().CreateDbContext([]);
        Assert.False(db.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task A_runtime_from_before_there_were_versions_becomes_version_1_behind_its_default_endpoint()
    {
        var cancel = TestContext.Current.CancellationToken;
        await File.WriteAllBytesAsync(StorePath, [], cancel);
        await using (var old = StoreContextFactory.For(StorePath).CreateDbContext())
            await old.Database.GetService<IMigrator>().MigrateAsync("Initial", cancel);
        await ExecuteAsync($"INSERT INTO Runtimes VALUES ('sandbox-abcdefghij', 'sandbox', '{Account}', '{Region}', 1000, 900, 28800)");

        await using var store = await OpenAsync();
        var runtime = await store.EnsureDefaultsAsync(Account, Region, cancel);

        Assert.Equal(("sandbox-abcdefghij", 1, ResourceStatus.Ready, runtime.CreatedAt), (runtime.Id, runtime.LatestVersion, runtime.Status, runtime.LastUpdatedAt));
        Assert.Equal(1, (await store.FindEndpointAsync(runtime.Id, AgentRuntime.DefaultEndpoint, cancel))?.LiveVersion);
        var version = await store.FindVersionAsync(runtime.Id, 1, cancel);
        Assert.Equal(RuntimeConfiguration.HostTools.ToJson(), version?.Configuration.ToJson());
    }

    [Fact]
    public async Task A_migration_that_a_crash_interrupted_does_not_block_the_next_start()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync("INSERT INTO __EFMigrationsLock (Id, Timestamp) VALUES (1, '2026-01-01')");
        await using var store = await OpenAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_store_of_a_newer_version_is_refused_and_left_alone()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync("INSERT INTO __EFMigrationsHistory (MigrationId, ProductVersion) VALUES ('99990101000000_Future', '99.0')");
        Assert.Contains("newer version", (await Assert.ThrowsAsync<DataDirectoryException>(OpenAsync)).Message, StringComparison.Ordinal);
        var reading = () => PortholeStore.OpenExistingAsync(_held.Directory, TestContext.Current.CancellationToken);
        Assert.Contains("newer version", (await Assert.ThrowsAsync<DataDirectoryException>(reading)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_store_is_refused()
    {
        await File.WriteAllTextAsync(StorePath, new string('x', 8192), TestContext.Current.CancellationToken);
        Assert.Contains(StorePath, (await Assert.ThrowsAsync<DataDirectoryException>(OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_journal_is_a_write_ahead_log()
    {
        await using var store = await OpenAsync();
        await using var connection = new SqliteConnection($"Data Source={StorePath}");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode";
        Assert.Equal("wal", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={StorePath}");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
