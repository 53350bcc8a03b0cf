using Microsoft.EntityFrameworkCore;

namespace Porthole.Server.Store;

// Images, of which the store knows the digests alone.
public sealed partial class PortholeStore
{
    /// <summary>The digests of all versions' images.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<IReadOnlyList<string>> ReadImageDigestsAsync(CancellationToken cancellationToken = default)
    {
        await using var db = await _contexts.CreateDbContextAsync(cancellationToken);
        return await db.RuntimeVersions.Where(version => version.ImageDigest != null).Select(version => version.ImageDigest!).Distinct().ToListAsync(cancellationToken);
    }
}
