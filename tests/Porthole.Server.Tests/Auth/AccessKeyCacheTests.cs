using Microsoft.Data.Sqlite;
using Porthole.Server.Auth;

namespace Porthole.Server.Tests.Auth;

public sealed class AccessKeyCacheTests : IAsyncLifetime
{
    private readonly AuthFixture _fixture = new();
    private readonly RecordingLogger<AccessKeyCacheTests> _logger = new();

    public ValueTask InitializeAsync() => _fixture.InitializeAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    private AccessKeyCache NewCache() => new(_fixture.Store, _fixture.Time, _logger);

    [Fact]
    public void A_key_added_by_another_process_is_known_after_a_second()
    {
        var cache = NewCache();
        Assert.Null(cache.SecretOf("NEW"));
        _fixture.AddKey("NEW", "secret");
        Assert.Null(cache.SecretOf("NEW"));
        _fixture.Time.Advance(AccessKeyCache.MinAge + TimeSpan.FromMilliseconds(1));
        Assert.Equal("secret", cache.SecretOf("NEW"));
    }

    [Fact]
    public void A_removed_key_stops_working_after_ten_seconds()
    {
        var cache = NewCache();
        Assert.NotNull(cache.SecretOf(AuthFixture.Credentials.AccessKeyId));
        _fixture.RemoveKey(AuthFixture.Credentials.AccessKeyId);
        Assert.NotNull(cache.SecretOf(AuthFixture.Credentials.AccessKeyId));
        _fixture.Time.Advance(AccessKeyCache.MaxAge + TimeSpan.FromMilliseconds(1));
        Assert.Null(cache.SecretOf(AuthFixture.Credentials.AccessKeyId));
    }

    [Fact]
    public async Task A_store_that_cannot_be_read_keeps_the_last_keys_in_force_and_is_logged()
    {
        var cache = NewCache();
        Assert.NotNull(cache.SecretOf(AuthFixture.Credentials.AccessKeyId));
        await using (var connection = new SqliteConnection($"Data Source={_fixture.StorePath}"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = "ALTER TABLE AccessKeys RENAME TO Hidden";
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        _fixture.Time.Advance(AccessKeyCache.MaxAge + TimeSpan.FromMilliseconds(1));
        Assert.NotNull(cache.SecretOf(AuthFixture.Credentials.AccessKeyId));
        await _logger.WaitForAsync("cannot be read");
    }
}
