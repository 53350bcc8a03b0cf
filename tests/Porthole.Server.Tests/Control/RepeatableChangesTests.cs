using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Audit;
using Porthole.Server.Control;
using Porthole.Server.Store;

namespace Porthole.Server.Tests.Control;

public sealed class RepeatableChangesTests : IAsyncLifetime
{
    private static readonly string Token = new('t', 33);

    private readonly TemporaryDirectory _temporary = new();
    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private DataDirectoryLock? _held;
    private PortholeStore? _store;
    private int _made;

    public async ValueTask InitializeAsync()
    {
        _held = DataDirectory.Create(_temporary.Path).Lock();
        _store = await PortholeStore.OpenAsync(_held, _time, NullLogger<PortholeStore>.Instance, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _store!.DisposeAsync();
        _held!.Dispose();
        SqliteConnection.ClearAllPools();
        _temporary.Dispose();
    }

    // Makes a tag with a number that no other change has.
    private Task<JsonElement> ApplyAsync(string? token, string meaning = "a", string operation = "Op", Exception? failure = null) =>
        new RepeatableChanges(_store!, _time).ApplyAsync(Request(operation), token, meaning, db =>
        {
            var number = Interlocked.Increment(ref _made);
            db.Tags.Add(new ResourceTag { ResourceArn = "arn", Key = $"{number}", Value = "" });
            return failure is null ? Task.FromResult<object>(new { Number = number }) : throw failure;
        });

    private ControlRequest Request(string operation) => new(
        operation, new ApiCall(new DefaultHttpContext(), _time, static _ => { }), new ControlPath(), QueryParameters.Empty, default, TestContext.Current.CancellationToken);

    private Task<int> CountAsync() => _store!.ReadAsync(db => db.Tags.CountAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);

    [Fact]
    public async Task The_same_request_with_the_same_token_is_made_once_and_answered_as_it_was()
    {
        var first = await ApplyAsync(Token);
        Assert.Equal(first.GetRawText(), (await ApplyAsync(Token)).GetRawText());
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task Of_many_at_once_one_is_made_and_all_have_its_answer()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ApplyAsync(Token)));
        Assert.Single(answers.Select(static answer => answer.GetRawText()).Distinct());
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task Without_a_token_every_request_is_made()
    {
        await ApplyAsync(null);
        await ApplyAsync(null);
        Assert.Equal(2, await CountAsync());
    }

    [Fact]
    public async Task Another_request_with_the_token_is_refused_and_changes_nothing()
    {
        await ApplyAsync(Token);
        var error = (await Assert.ThrowsAsync<AwsException>(() => ApplyAsync(Token, "b"))).Error;
        Assert.Equal((400, "IdempotentParameterMismatchException"), (error.Status, error.Reason));
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task Another_operation_may_use_the_same_token()
    {
        await ApplyAsync(Token);
        await ApplyAsync(Token, operation: "Other");
        Assert.Equal(2, await CountAsync());
    }

    [Fact]
    public async Task A_refused_request_leaves_nothing_so_that_it_can_be_tried_again()
    {
        await Assert.ThrowsAsync<AwsException>(() => ApplyAsync(Token, failure: new AwsException(AwsError.Conflict("not now"))));
        Assert.Equal(0, await CountAsync());
        await ApplyAsync(Token);
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task A_token_is_forgotten_after_a_day()
    {
        await ApplyAsync(Token);
        _time.Advance(TimeSpan.FromHours(24) + TimeSpan.FromSeconds(1));
        await ApplyAsync(Token, "b");
        Assert.Equal(2, await CountAsync());
    }
}
