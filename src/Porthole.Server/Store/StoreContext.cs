using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Porthole.Server.Store;

internal sealed class StoreContext(DbContextOptions<StoreContext> options) : DbContext(options)
{
    public DbSet<AccessKey> AccessKeys => Set<AccessKey>();

    public DbSet<AgentRuntime> Runtimes => Set<AgentRuntime>();

    public DbSet<SessionRecord> Sessions => Set<SessionRecord>();

    public DbSet<ShellConnection> ShellConnections => Set<ShellConnection>();

    // SQLite has no type for times and cannot sort the text that EF would make of one with an offset.
    protected override void ConfigureConventions(ModelConfigurationBuilder configuration) =>
        configuration.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<AccessKey>().HasKey(key => key.AccessKeyId);

        var runtime = model.Entity<AgentRuntime>();
        runtime.HasIndex(r => new { r.AccountId, r.Region, r.Name }).IsUnique();
        runtime.Ignore(r => r.Arn);

        var session = model.Entity<SessionRecord>();
        session.Property(s => s.Id).ValueGeneratedNever();
        session.Property(s => s.End).HasConversion<string>();
        session.HasIndex(s => new { s.RuntimeId, s.Qualifier, s.SessionId });
        session.HasIndex(s => s.StartedAt);

        var connection = model.Entity<ShellConnection>();
        connection.Property(c => c.Id).ValueGeneratedNever();
        connection.Property(c => c.End).HasConversion<string>();
        connection.HasIndex(c => c.OpenedAt);
        connection.HasIndex(c => c.ClosedAt);
    }

    private sealed class UnixMilliseconds() : ValueConverter<DateTimeOffset, long>(
        time => time.ToUnixTimeMilliseconds(), milliseconds => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
}
