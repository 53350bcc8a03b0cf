using System.Data.Common;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace Porthole.Server.Store;

/// <summary>
/// Writes records behind the back of the request path, in order, one transaction for all that wait. A disk that cannot be written is
/// logged once and tried again until it can; meanwhile records wait in memory up to a bound, and then go to the log alone.
/// </summary>
internal sealed class StoreWriter : IAsyncDisposable
{
    // Half an hour of ten connections a second, and about 10 MB.
    internal const int MaxWaiting = 16_384;

    // SQLite gains little from larger transactions, and a failed one is repeated whole.
    private const int MaxBatch = 256;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(30);

    // From sqlite3.h: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN. They say something about the disk, not about the record.
    private static readonly int[] DiskErrors = [5, 6, 7, 8, 10, 13, 14];

    private readonly IDbContextFactory<StoreContext> _contexts;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _loop;

    internal StoreWriter(IDbContextFactory<StoreContext> contexts, string path, TimeProvider time, ILogger logger)
    {
        _contexts = contexts;
        _path = path;
        _time = time;
        _logger = logger;
        _loop = Task.Run(WriteUntilStoppedAsync);
    }

    /// <summary>Queues a change; returns at once, whatever the disk does.</summary>
    /// <param name="record">The change in words, for the log.</param>
    /// <param name="apply">Does it. Called again with another context when a transaction failed.</param>
    internal void Post(string record, Func<StoreContext, Task> apply)
    {
        if (!_changes.Writer.TryWrite(new Change(record, apply))) StoreLog.QueueFull(_logger, _changes.Reader.Count, record);
    }

    /// <summary>Waits until all that was posted before is on disk, or was refused.</summary>
    internal Task FlushAsync()
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _changes.Writer.TryWrite(new Change("flush", _ => Task.CompletedTask, written))
            ? written.Task
            : throw new InvalidOperationException("The queue of records is full.");
    }

    /// <summary>Writes what waits, with one try, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _changes.Writer.TryComplete();
        await _stopping.CancelAsync();
        await _loop;
        _stopping.Dispose();
    }

    private async Task WriteUntilStoppedAsync()
    {
        var batch = new List<Change>(MaxBatch);
        while (await _changes.Reader.WaitToReadAsync())
        {
            while (batch.Count < MaxBatch && _changes.Reader.TryRead(out var change)) batch.Add(change);
            await WriteAsync(batch);
            foreach (var change in batch) change.Written?.TrySetResult();
            batch.Clear();
        }
    }

    private async Task WriteAsync(List<Change> batch)
    {
        var delay = FirstDelay;
        var failed = false;
        while (true)
        {
            try
            {
                await ApplyAsync(batch);
                if (failed) StoreLog.WriteRecovered(_logger, _path);
                return;
            }
            catch (Exception e) when (e is DbUpdateException or DbException)
            {
                if (!IsOfTheDisk(e))
                {
                    await WriteOneByOneAsync(batch, e);
                    return;
                }

                if (!failed) StoreLog.WriteFailed(_logger, e, _path, batch.Count + _changes.Reader.Count, delay);
                failed = true;
            }

            if (!await PauseAsync(delay))
            {
                foreach (var change in batch) StoreLog.RecordLost(_logger, change.Record);
                return;
            }

            delay = delay * 2 < MaxDelay ? delay * 2 : MaxDelay;
        }
    }

    // One bad record must not take its neighbours with it.
    private async Task WriteOneByOneAsync(List<Change> batch, Exception cause)
    {
        if (batch.Count == 1)
        {
            StoreLog.RecordRefused(_logger, cause, batch[0].Record);
            return;
        }

        foreach (var change in batch) await WriteAsync([change]);
    }

    private async Task ApplyAsync(List<Change> batch)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        await using var transaction = await db.Database.BeginTransactionAsync();
        foreach (var change in batch) await change.Apply(db);
        await transaction.CommitAsync();
    }

    private async Task<bool> PauseAsync(TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay, _time, _stopping.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static bool IsOfTheDisk(Exception e) =>
        (e as SqliteException ?? e.InnerException as SqliteException) is { } sqlite && DiskErrors.Contains(sqlite.SqliteErrorCode);

    private sealed record Change(string Record, Func<StoreContext, Task> Apply, TaskCompletionSource? Written = null);
}
