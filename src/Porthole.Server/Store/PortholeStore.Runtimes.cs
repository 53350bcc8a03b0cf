using Microsoft.EntityFrameworkCore;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Store;

// Runtimes, their versions and endpoints.
public sealed partial class PortholeStore
{
    /// <summary>Every runtime, the oldest first.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<IReadOnlyList<AgentRuntime>> ReadRuntimesAsync(CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.Runtimes.AsNoTracking().OrderBy(runtime => runtime.CreatedAt).ToListAsync(cancellationToken);
    }

    /// <summary>The runtime with an id, or null.</summary>
    /// <param name="id">The id, the name and ten random characters.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<AgentRuntime?> FindRuntimeAsync(string id, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.Runtimes.AsNoTracking().FirstOrDefaultAsync(runtime => runtime.Id == id, cancellationToken);
    }

    /// <summary>The runtime with a name in an account and region, or null.</summary>
    /// <param name="name">The name.</param>
    /// <param name="accountId">Twelve digits.</param>
    /// <param name="region">The region.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<AgentRuntime?> FindRuntimeByNameAsync(string name, string accountId, string region, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await FindByNameAsync(db, name, accountId, region, cancellationToken);
    }

    /// <summary>A version of a runtime, or null.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="version">The version's number, from 1 on.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<RuntimeVersion?> FindVersionAsync(string runtimeId, int version, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.RuntimeVersions.AsNoTracking().FirstOrDefaultAsync(v => v.RuntimeId == runtimeId && v.Version == version, cancellationToken);
    }

    /// <summary>An endpoint of a runtime, or null.</summary>
    /// <param name="runtimeId">The runtime's id.</param>
    /// <param name="name">The endpoint's name.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<RuntimeEndpoint?> FindEndpointAsync(string runtimeId, string name, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.RuntimeEndpoints.AsNoTracking().FirstOrDefaultAsync(e => e.RuntimeId == runtimeId && e.Name == name, cancellationToken);
    }

    /// <summary>The value of a tag, or null.</summary>
    /// <param name="resourceArn">What is tagged.</param>
    /// <param name="key">The tag's key.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<string?> FindTagAsync(string resourceArn, string key, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.Tags.Where(tag => tag.ResourceArn == resourceArn && tag.Key == key).Select(static tag => tag.Value).FirstOrDefaultAsync(cancellationToken);
    }

    private static Task<AgentRuntime?> FindByNameAsync(StoreContext db, string name, string accountId, string region, CancellationToken cancellationToken) =>
        db.Runtimes.AsNoTracking().FirstOrDefaultAsync(r => r.Name == name && r.AccountId == accountId && r.Region == region, cancellationToken);

    // Of a runtime that has none yet: a new one, or one from before there were versions.
    private async Task AddFirstVersionAsync(StoreContext db, AgentRuntime runtime, CancellationToken cancellationToken)
    {
        if (await db.RuntimeVersions.AnyAsync(version => version.RuntimeId == runtime.Id, cancellationToken))
            return;
        var now = _time.GetUtcNow();
        db.RuntimeVersions.Add(new RuntimeVersion { RuntimeId = runtime.Id, Version = 1, Configuration = RuntimeConfiguration.HostTools, CreatedAt = now });
        db.RuntimeEndpoints.Add(new RuntimeEndpoint
        {
            RuntimeId = runtime.Id,
            Name = AgentRuntime.DefaultEndpoint,
            LiveVersion = 1,
            TargetVersion = 1,
            CreatedAt = now,
            LastUpdatedAt = now,
        });
    }
}
