using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Store;

internal sealed class StoreContext(DbContextOptions<StoreContext> options) : DbContext(options)
{
    public DbSet<AccessKey> AccessKeys => Set<AccessKey>();

    public DbSet<AgentRuntime> Runtimes => Set<AgentRuntime>();

    public DbSet<RuntimeVersion> RuntimeVersions => Set<RuntimeVersion>();

    public DbSet<RuntimeEndpoint> RuntimeEndpoints => Set<RuntimeEndpoint>();

    public DbSet<ResourceTag> Tags => Set<ResourceTag>();

    public DbSet<ResourcePolicy> ResourcePolicies => Set<ResourcePolicy>();

    public DbSet<ClientToken> ClientTokens => Set<ClientToken>();

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
        runtime.Property(r => r.Status).HasConversion<string>();

        var version = model.Entity<RuntimeVersion>();
        version.HasKey(v => new { v.RuntimeId, v.Version });
        version.HasOne<AgentRuntime>().WithMany().HasForeignKey(v => v.RuntimeId);
        version.Property(v => v.Configuration).HasConversion(configuration => configuration.ToJson(), json => RuntimeConfiguration.FromJson(json));
        version.Property(v => v.Status).HasConversion<string>();

        var endpoint = model.Entity<RuntimeEndpoint>();
        endpoint.HasKey(e => new { e.RuntimeId, e.Name });
        endpoint.HasOne<AgentRuntime>().WithMany().HasForeignKey(e => e.RuntimeId);
        endpoint.Property(e => e.Status).HasConversion<string>();

        model.Entity<ResourceTag>().HasKey(tag => new { tag.ResourceArn, tag.Key });
        model.Entity<ResourcePolicy>().HasKey(policy => policy.ResourceArn);
        model.Entity<ClientToken>().HasKey(token => new { token.Operation, token.Token });

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
