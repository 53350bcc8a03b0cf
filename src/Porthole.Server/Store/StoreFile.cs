using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace Porthole.Server.Store;

/// <summary>The store's file: its mode, its journal and the version of its tables.</summary>
internal static class StoreFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Makes the file, or brings an old one to this version's form. Only for the holder of the data directory.</summary>
    internal static async Task PrepareAsync(string path, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            Protect(path, logger);
            await using var db = StoreContextFactory.For(path).CreateDbContext();
            await RefuseNewerAsync(db, path, cancellationToken);

            // Readers go on while the server writes, and a write is one append.
            await db.Database.ExecuteSqlRawAsync("PRAGMA journal_mode = WAL", cancellationToken);
            await RemoveStaleMigrationLockAsync(db, cancellationToken);
            await db.Database.MigrateAsync(cancellationToken);
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, e);
        }
    }

    /// <summary>Checks that the file has this version's form.</summary>
    internal static async Task CheckAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var db = StoreContextFactory.For(path).CreateDbContext();
            await RefuseNewerAsync(db, path, cancellationToken);
            if ((await db.Database.GetPendingMigrationsAsync(cancellationToken)).Any())
                throw new DataDirectoryException($"The store {path} was written by an older version of Porthole. Restart 'porthole serve' with this version; it brings the store up to date.");
        }
        catch (SqliteException e)
        {
            throw Unusable(path, e);
        }
    }

    // The mode is there before the first secret is, and SQLite gives it to its journal files too.
    private static void Protect(string path, ILogger logger)
    {
        new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite, UnixCreateMode = OwnerOnly }).Dispose();
        var mode = File.GetUnixFileMode(path);
        if (mode == OwnerOnly) return;
        File.SetUnixFileMode(path, OwnerOnly);
        StoreLog.TightenedMode(logger, path, mode);
    }

    private static async Task RefuseNewerAsync(StoreContext db, string path, CancellationToken cancellationToken)
    {
        var known = db.Database.GetMigrations();
        var unknown = (await db.Database.GetAppliedMigrationsAsync(cancellationToken)).Except(known).FirstOrDefault();
        if (unknown is not null)
            throw new DataDirectoryException($"The store {path} was written by a newer version of Porthole (it has '{unknown}'). Use that version, or another data directory.");
    }

    // EF marks a running migration with a row. A server killed in the middle leaves it, and the next one would wait for it for ever;
    // we hold the data directory, so nobody else can be migrating.
    private static async Task RemoveStaleMigrationLockAsync(StoreContext db, CancellationToken cancellationToken)
    {
        var tables = await db.Database.SqlQueryRaw<int>("SELECT COUNT(*) AS Value FROM sqlite_master WHERE name = '__EFMigrationsLock'").SingleAsync(cancellationToken);
        if (tables > 0) await db.Database.ExecuteSqlRawAsync("DELETE FROM __EFMigrationsLock", cancellationToken);
    }

    private static DataDirectoryException Unusable(string path, Exception cause) =>
        new($"The store {path} cannot be used: {cause.Message.TrimEnd('.')}. Check the disk's free space and that you own the file.", cause);
}
