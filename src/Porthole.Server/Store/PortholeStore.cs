using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Porthole.Server.Store;

/// <summary>
/// What a server remembers in a file: access keys, runtimes, and who was where. The server opens it with <see cref="OpenAsync"/>; other
/// processes read it with <see cref="OpenExistingAsync"/> while the server runs or not.
/// </summary>
public sealed partial class PortholeStore : IAsyncDisposable
{
    private readonly PooledDbContextFactory<StoreContext> _contexts;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StoreWriter _writer;

    private PortholeStore(string path, TimeProvider time, ILogger logger)
    {
        _contexts = StoreContextFactory.For(path);
        _time = time;
        _logger = logger;
        _writer = new StoreWriter(_contexts, path, time, logger);
    }

    /// <summary>Opens the store of a data directory that this process holds: made if new, brought to this version's form if old.</summary>
    /// <param name="held">The proof that no other server writes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Gets what happens, secrets left out.</param>
    /// <param name="cancellationToken">Gives the opening up.</param>
    /// <exception cref="DataDirectoryException">A newer version wrote the store, it is no SQLite file, or the disk refuses.</exception>
    public static async Task<PortholeStore> OpenAsync(
        DataDirectoryLock held, TimeProvider time, ILogger<PortholeStore> logger, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        var path = held.Directory.StorePath;
        await StoreFile.PrepareAsync(path, logger, cancellationToken);
        var store = new PortholeStore(path, time, logger);
        await store.CloseLostConnectionsAsync(cancellationToken);
        return store;
    }

    /// <summary>Opens the store of a data directory to read it, without the right to it.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="cancellationToken">Gives the opening up.</param>
    /// <exception cref="DataDirectoryException">Another version wrote the store, or it cannot be read.</exception>
    public static async Task<PortholeStore> OpenExistingAsync(DataDirectory directory, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(directory);
        await StoreFile.CheckAsync(directory.StorePath, cancellationToken);
        return new PortholeStore(directory.StorePath, TimeProvider.System, NullLogger.Instance);
    }

    /// <summary>Makes what a first start has to make: an access key that may do everything when there is none, and the runtime <c>sandbox</c> of the account and region.</summary>
    /// <param name="accountId">Twelve digits.</param>
    /// <param name="region">For instance <c>us-east-1</c>.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The runtime <c>sandbox</c>.</returns>
    public async Task<AgentRuntime> EnsureDefaultsAsync(string accountId, string region, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        var madeKey = await OperatorKeys(db).AnyAsync(cancellationToken) ? null : db.AccessKeys.Add(AccessKey.New(_time.GetUtcNow())).Entity;
        var runtime = await FindByNameAsync(db, AgentRuntime.DefaultName, accountId, region, cancellationToken);
        var madeRuntime = runtime is null ? db.Runtimes.Add(AgentRuntime.New(AgentRuntime.DefaultName, accountId, region, _time.GetUtcNow())).Entity : null;
        await AddFirstVersionAsync(db, (runtime ?? madeRuntime)!, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        if (madeKey is not null) StoreLog.MadeAccessKey(_logger, madeKey.AccessKeyId);
        if (madeRuntime is not null) StoreLog.MadeRuntime(_logger, madeRuntime.Arn.ToString());
        return runtime ?? madeRuntime!;
    }

    /// <summary>Writes down, soon, that a session began.</summary>
    /// <param name="session">The session; do not change it afterwards.</param>
    public void RecordSessionStarted(SessionRecord session)
    {
        ArgumentNullException.ThrowIfNull(session);
        _writer.Post($"session {session.SessionId} of {session.RuntimeId} started at {session.StartedAt:O}", db => InsertAsync(db, session));
    }

    /// <summary>Writes down, soon, that a session ended.</summary>
    /// <param name="id">The key of its record.</param>
    /// <param name="end">Why.</param>
    public void RecordSessionEnded(Guid id, SessionEnd end)
    {
        var now = _time.GetUtcNow();
        _writer.Post(
            $"session record {id} ended at {now:O}: {end}",
            db => db.Sessions.Where(s => s.Id == id).ExecuteUpdateAsync(s => s.SetProperty(r => r.EndedAt, now).SetProperty(r => r.End, end)));
    }

    /// <summary>Writes down, soon, that a connection to a shell was opened or refused.</summary>
    /// <param name="connection">The connection; do not change it afterwards. Refusals of callers that nobody knows belong in the log alone.</param>
    public void RecordConnection(ShellConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _writer.Post(
            $"connection {connection.RequestId} of {connection.Principal} from {connection.RemoteAddress} to shell {connection.ShellId} of session {connection.SessionId}: {connection.Status} at {connection.OpenedAt:O}",
            db => InsertAsync(db, connection));
    }

    /// <summary>Writes down, soon, that a connection ended.</summary>
    /// <param name="id">The key of its record.</param>
    /// <param name="end">How.</param>
    /// <param name="closeCode">The WebSocket close code; null when the connection dropped.</param>
    /// <param name="bytesIn">Bytes for the terminal.</param>
    /// <param name="bytesOut">Bytes of the terminal.</param>
    public void RecordConnectionEnded(Guid id, ConnectionEnd end, int? closeCode, long bytesIn, long bytesOut)
    {
        var now = _time.GetUtcNow();
        _writer.Post(
            $"connection record {id} ended at {now:O}: {end}, code {closeCode}, {bytesIn} bytes in, {bytesOut} out",
            db => db.ShellConnections.Where(c => c.Id == id).ExecuteUpdateAsync(c => c
                .SetProperty(r => r.ClosedAt, now)
                .SetProperty(r => r.End, end)
                .SetProperty(r => r.CloseCode, closeCode)
                .SetProperty(r => r.BytesIn, bytesIn)
                .SetProperty(r => r.BytesOut, bytesOut)));
    }

    /// <summary>Reads the sessions that have not ended, as far as the store knows: those that a new server has to look for.</summary>
    public async Task<IReadOnlyList<SessionRecord>> ReadLivingSessionsAsync(CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.Sessions.AsNoTracking().Where(session => session.EndedAt == null).ToListAsync(cancellationToken);
    }

    /// <summary>The newest connections to shells, the last one first.</summary>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<IReadOnlyList<ShellConnection>> ReadConnectionsAsync(int count, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.ShellConnections.AsNoTracking().OrderByDescending(c => c.OpenedAt).ThenByDescending(c => c.Id).Take(count).ToListAsync(cancellationToken);
    }

    /// <summary>The newest sessions, the last one first.</summary>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<IReadOnlyList<SessionRecord>> ReadSessionsAsync(int count, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.Sessions.AsNoTracking().OrderByDescending(s => s.StartedAt).ThenByDescending(s => s.Id).Take(count).ToListAsync(cancellationToken);
    }

    /// <summary>Reads something.</summary>
    internal async Task<T> ReadAsync<T>(Func<StoreContext, Task<T>> read, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await read(db);
    }

    /// <summary>Reads and changes something in one transaction, which no other writer comes between; an exception undoes it.</summary>
    internal async Task<T> ChangeAsync<T>(Func<StoreContext, Task<T>> change, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var result = await change(db);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    /// <summary>Waits until all records so far are written.</summary>
    public Task FlushAsync() => _writer.FlushAsync();

    /// <summary>Writes the records that wait, with one try, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        await using var db = await _contexts.CreateDbContextAsync();
        SqliteConnection.ClearPool((SqliteConnection)db.Database.GetDbConnection());
    }

    private static async Task InsertAsync(StoreContext db, object record)
    {
        var entry = db.Add(record);
        await db.SaveChangesAsync();

        // The record belongs to its maker again; a repeated transaction adds it to another context.
        entry.State = EntityState.Detached;
    }

    private async Task CloseLostConnectionsAsync(CancellationToken cancellationToken)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        var now = _time.GetUtcNow();
        var count = await db.ShellConnections.Where(c => c.ClosedAt == null)
            .ExecuteUpdateAsync(c => c.SetProperty(r => r.ClosedAt, now).SetProperty(r => r.End, ConnectionEnd.ServerLost), cancellationToken);
        if (count > 0) StoreLog.ClosedLostConnections(_logger, count);
    }
}
