using Microsoft.EntityFrameworkCore;

namespace Porthole.Server.Store;

// Access keys, and the policies that resources carry.
public sealed partial class PortholeStore
{
    /// <summary>Every access key, the revoked ones included, the oldest first.</summary>
    public IReadOnlyList<AccessKey> ReadAccessKeys()
    {
        using var db = _contexts.CreateDbContext();
        return [.. db.AccessKeys.AsNoTracking().OrderBy(key => key.CreatedAt)];
    }

    /// <summary>Makes an access key.</summary>
    /// <param name="name">What it is for, for people and policies.</param>
    /// <param name="policy">What it may do, checked; null for everything.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<AccessKey> AddAccessKeyAsync(string? name, string? policy, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        var key = AccessKey.New(_time.GetUtcNow());
        (key.Name, key.Policy) = (name, policy);
        db.AccessKeys.Add(key);
        await db.SaveChangesAsync(cancellationToken);
        return key;
    }

    /// <summary>Takes an access key back, for good.</summary>
    /// <param name="accessKeyId">The key.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The key as it is now; null when there is none. One that was revoked before keeps its time.</returns>
    /// <exception cref="LastOperatorKeyException">It is the last one that may do everything, so nobody could make another.</exception>
    public async Task<AccessKey?> RevokeAccessKeyAsync(string accessKeyId, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        var key = await db.AccessKeys.FirstOrDefaultAsync(known => known.AccessKeyId == accessKeyId, cancellationToken);
        if (key is null || key.RevokedAt is not null) return key;
        if (!await OperatorKeys(db).AnyAsync(other => other.AccessKeyId != accessKeyId, cancellationToken)) throw new LastOperatorKeyException();
        key.RevokedAt = _time.GetUtcNow();
        await db.SaveChangesAsync(cancellationToken);
        return key;
    }

    /// <summary>The oldest access key that may do everything, which is the operator's own.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<AccessKey> ReadOperatorKeyAsync(CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await OperatorKeys(db).AsNoTracking().OrderBy(key => key.CreatedAt).FirstAsync(cancellationToken);
    }

    /// <summary>The policies that some resources carry, by the resource's ARN; those that carry none are left out.</summary>
    /// <param name="resourceArns">The resources.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<IReadOnlyDictionary<string, string>> ReadResourcePoliciesAsync(IReadOnlyList<string> resourceArns, CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.ResourcePolicies.AsNoTracking().Where(policy => resourceArns.Contains(policy.ResourceArn))
            .ToDictionaryAsync(policy => policy.ResourceArn, policy => policy.Policy, cancellationToken);
    }

    private static IQueryable<AccessKey> OperatorKeys(StoreContext db) => db.AccessKeys.Where(key => key.Policy == null && key.RevokedAt == null);
}

/// <summary>The last access key that may do everything cannot be taken back.</summary>
public sealed class LastOperatorKeyException() : Exception("It is the last access key that may do everything. Create another one first.");
