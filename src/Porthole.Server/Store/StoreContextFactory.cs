using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Infrastructure;

namespace Porthole.Server.Store;

/// <summary>Makes contexts for a store's file, and for the tool that writes migrations.</summary>
internal sealed class StoreContextFactory : IDesignTimeDbContextFactory<StoreContext>
{
    // Time to wait for another process's write. The server is the only one that writes, so this is a checkpoint or an operator's own query.
    private const int BusySeconds = 5;

    internal static PooledDbContextFactory<StoreContext> For(string path)
    {
        var connection = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, DefaultTimeout = BusySeconds };
        return new PooledDbContextFactory<StoreContext>(Options(connection.ToString()));
    }

    public StoreContext CreateDbContext(string[] args) => new(Options("Data Source=:memory:"));

    private static DbContextOptions<StoreContext> Options(string connection) =>
        new DbContextOptionsBuilder<StoreContext>().UseSqlite(connection).Options;
}
