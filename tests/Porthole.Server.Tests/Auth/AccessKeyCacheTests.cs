using Microsoft.Data.Sqlite;
using Porthole.Server.Auth;
using Porthole.Server.Auth.Policies;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Auth;

public sealed class AccessKeyCacheTests : IAsyncLifetime
{
    private readonly AuthFixture _fixture = new();
    private readonly RecordingLogger<AccessKeyCache> _logger = new();

    public ValueTask InitializeAsync() => _fixture.InitializeAsync();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    private AccessKeyCache NewCache() => new(_fixture.Store, _fixture.Time, _logger);

    [Fact]
    public void A_key_added_by_another_process_is_known_after_a_second()
    {
        var cache = NewCache();
        Assert.Null(cache.Find("NEW"));
        _fixture.AddKey("NEW", "secret");
        Assert.Null(cache.Find("NEW"));
        _fixture.Time.Advance(AccessKeyCache.MinAge + TimeSpan.FromMilliseconds(1));
        Assert.Equal("secret", cache.Find("NEW")?.Key.SecretAccessKey);
    }

    [Fact]
    public void A_removed_key_stops_working_after_ten_seconds()
    {
        var cache = NewCache();
        Assert.NotNull(cache.Find(AuthFixture.Credentials.AccessKeyId));
        _fixture.RemoveKey(AuthFixture.Credentials.AccessKeyId);
        Assert.NotNull(cache.Find(AuthFixture.Credentials.AccessKeyId));
        _fixture.Time.Advance(AccessKeyCache.MaxAge + TimeSpan.FromMilliseconds(1));
        Assert.Null(cache.Find(AuthFixture.Credentials.AccessKeyId));
    }

    [Fact]
    public async Task A_store_that_cannot_be_read_keeps_the_last_keys_in_force_and_is_logged()
    {
        var cache = NewCache();
        Assert.NotNull(cache.Find(AuthFixture.Credentials.AccessKeyId));
        await using (var connection = new SqliteConnection($"Data Source={_fixture.StorePath}"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = "ALTER TABLE AccessKeys RENAME TO Hidden";
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        _fixture.Time.Advance(AccessKeyCache.MaxAge + TimeSpan.FromMilliseconds(1));
        Assert.NotNull(cache.Find(AuthFixture.Credentials.AccessKeyId));
        await _logger.WaitForAsync("cannot be read");
    }

    [Fact]
    public async Task A_key_that_this_process_revoked_stops_working_at_once()
    {
        var cache = NewCache();
        var other = await _fixture.Store.AddAccessKeyAsync("other", null, TestContext.Current.CancellationToken);
        cache.Forget();
        Assert.NotNull(cache.Find(other.AccessKeyId));
        var revoked = await _fixture.Store.RevokeAccessKeyAsync(other.AccessKeyId, TestContext.Current.CancellationToken);
        Assert.Equal(AuthFixture.Now, revoked?.RevokedAt);
        cache.Forget();
        Assert.Null(cache.Find(other.AccessKeyId));
    }

    [Fact]
    public async Task The_last_key_that_may_do_everything_cannot_be_revoked()
    {
        await _fixture.Store.AddAccessKeyAsync(null, """{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}""", TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<LastOperatorKeyException>(
            () => _fixture.Store.RevokeAccessKeyAsync(AuthFixture.Credentials.AccessKeyId, TestContext.Current.CancellationToken));
        var second = await _fixture.Store.AddAccessKeyAsync(null, null, TestContext.Current.CancellationToken);
        Assert.NotNull((await _fixture.Store.RevokeAccessKeyAsync(AuthFixture.Credentials.AccessKeyId, TestContext.Current.CancellationToken))?.RevokedAt);
        Assert.Equal(second.AccessKeyId, (await _fixture.Store.ReadOperatorKeyAsync(TestContext.Current.CancellationToken)).AccessKeyId);
    }

    [Fact]
    public async Task A_key_whose_policy_is_not_understood_may_do_nothing()
    {
        _fixture.AddKey("ODD", "secret", """{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"FromTheFuture":{"a":"b"}}}}""");
        Assert.Same(Policy.Nothing, NewCache().Find("ODD")?.Policy);
        await _logger.WaitForAsync("FromTheFuture");
    }
}
