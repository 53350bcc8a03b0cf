using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Porthole.Sandboxes;
using Porthole.Sandboxes.Images;
using Porthole.Server.Images;
using Porthole.Server.Sessions;
using Porthole.Server.Store;

namespace Porthole.Server.Runtimes;

/// <summary>
/// Brings runtimes from states on the way (CREATING, UPDATING, DELETING) to where they are going. The store says what is left to do, so a
/// server that starts goes on where the one before was ended. Doing it twice at once does no harm: each step looks whether it is still wanted.
/// </summary>
internal sealed class RuntimeSettler(
    PortholeStore store, SessionManager sessions, RuntimeImages images, SandboxDriver driver, SessionStorage storage, PreparationProgress progress, TimeProvider time,
    ILogger<RuntimeSettler> log) : IHostedService, IDisposable
{
    // A store that cannot be written, for instance on a full disk, is tried again.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly List<Task> _work = [];

    /// <summary>Goes on with what an earlier server left undone.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var id in await store.ReadAsync(UnsettledAsync, cancellationToken))
            Settle(id);
    }

    /// <summary>Leaves what is not done to the next server.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        Task[] work;
        lock (_lock)
            work = [.. _work];
        await Task.WhenAll(work).WaitAsync(cancellationToken);
    }

    public void Dispose() => _stopping.Dispose();

    /// <summary>Begins to do what a runtime needs; returns at once.</summary>
    public void Settle(string runtimeId)
    {
        lock (_lock)
        {
            _work.RemoveAll(static task => task.IsCompleted);
            _work.Add(Task.Run(() => SettleUntilDoneAsync(runtimeId, _stopping.Token)));
        }
    }

    private async Task SettleUntilDoneAsync(string runtimeId, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await SettleAsync(runtimeId, stopping);
                return;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                RuntimeLog.SettlingFailed(log, runtimeId, RetryDelay, e);
                await Task.Delay(RetryDelay, time, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        }
    }

    private async Task SettleAsync(string runtimeId, CancellationToken stopping)
    {
        var (runtime, versions, endpoints) = await store.ReadAsync(db => ReadAsync(db, runtimeId), stopping);
        if (runtime is null)
            return;
        if (runtime.Status == ResourceStatus.Deleting)
        {
            await DeleteRuntimeAsync(runtime);
            return;
        }

        // 1. New versions get what they need.
        foreach (var version in versions.Where(static version => IsOnTheWay(version.Status)))
            await PrepareAsync(runtime, version, stopping);

        // 2. Endpoints go to the versions that are ready, and the runtime is what its newest version is.
        await store.ChangeAsync(async db =>
        {
            await ConcludeAsync(db, runtimeId);
            return true;
        }, stopping);

        // 3. What is to go, goes.
        foreach (var version in versions.Where(static version => version.Status == ResourceStatus.Deleting))
            await DeleteVersionAsync(version);
        foreach (var endpoint in endpoints.Where(static endpoint => endpoint.Status == ResourceStatus.Deleting))
            await DeleteEndpointAsync(runtime, endpoint);
    }

    private async Task PrepareAsync(AgentRuntime runtime, RuntimeVersion version, CancellationToken stopping)
    {
        var (digest, failure) = await PrepareImageAsync(runtime, version, stopping);
        var status = (failure, version.Status) switch
        {
            (null, _) => ResourceStatus.Ready,
            (_, ResourceStatus.Creating) => ResourceStatus.CreateFailed,
            _ => ResourceStatus.UpdateFailed,
        };
        await store.ChangeAsync(
            db => db.RuntimeVersions.Where(v => v.RuntimeId == version.RuntimeId && v.Version == version.Version && v.Status == version.Status)
                .ExecuteUpdateAsync(v => v.SetProperty(r => r.Status, status).SetProperty(r => r.FailureReason, failure).SetProperty(r => r.ImageDigest, digest), stopping),
            stopping);
        if (failure is null)
            RuntimeLog.Ready(log, version.RuntimeId, version.Version);
        else
            RuntimeLog.NotReady(log, version.RuntimeId, version.Version, failure);
    }

    private async Task<(string? Digest, string? Failure)> PrepareImageAsync(AgentRuntime runtime, RuntimeVersion version, CancellationToken stopping)
    {
        try
        {
            using var steps = progress.Begin(version.RuntimeId);
            var image = await images.PrepareAsync(version.Configuration.AgentRuntimeArtifact, steps, stopping);
            await driver.PrepareAsync(image, IsolationTag.Read(await store.FindTagAsync(runtime.Arn.ToString(), IsolationTag.Key, stopping)), stopping);
            return (image == PreparedImage.Host ? null : image.Digest, null);
        }
        catch (Exception e) when (e is ImageException or SandboxException)
        {
            return (null, e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, trying again for ever would leave the runtime on its way for ever.
            RuntimeLog.PreparationFailed(log, version.RuntimeId, version.Version, e);
            return (null, $"The server failed to prepare it: {e.Message.TrimEnd('.')}. Its log has more; create or update the runtime to try again.");
        }
    }

    private async Task ConcludeAsync(StoreContext db, string runtimeId)
    {
        var runtime = await db.Runtimes.FirstOrDefaultAsync(r => r.Id == runtimeId);
        if (runtime is null)
            return;
        var now = time.GetUtcNow();
        var versions = await db.RuntimeVersions.AsNoTracking().Where(v => v.RuntimeId == runtimeId).ToDictionaryAsync(static version => version.Version);
        foreach (var endpoint in await db.RuntimeEndpoints.Where(e => e.RuntimeId == runtimeId).ToListAsync())
        {
            if (IsOnTheWay(endpoint.Status) && versions[endpoint.TargetVersion] is var target && !IsOnTheWay(target.Status))
                endpoint.Arrive(target, now);
        }

        if (IsOnTheWay(runtime.Status) && versions[runtime.LatestVersion] is var latest && !IsOnTheWay(latest.Status))
            (runtime.Status, runtime.FailureReason, runtime.LastUpdatedAt) = (latest.Status, latest.FailureReason, now);
    }

    private async Task DeleteRuntimeAsync(AgentRuntime runtime)
    {
        await sessions.StopAllAsync(session => session.Key.RuntimeId == runtime.Id, "the runtime was deleted");
        storage.Remove(runtime.Id);
        var arn = runtime.Arn.ToString();
        await store.ChangeAsync(async db =>
        {
            await db.Tags.Where(tag => tag.ResourceArn == arn || tag.ResourceArn.StartsWith(arn + "/")).ExecuteDeleteAsync();
            await db.ResourcePolicies.Where(policy => policy.ResourceArn == arn || policy.ResourceArn.StartsWith(arn + "/")).ExecuteDeleteAsync();
            return await db.Runtimes.Where(r => r.Id == runtime.Id).ExecuteDeleteAsync();
        });
        RuntimeLog.Deleted(log, runtime.Id);
    }

    private async Task DeleteVersionAsync(RuntimeVersion version)
    {
        await sessions.StopAllAsync(
            session => session.Key.RuntimeId == version.RuntimeId && session.Deployment.Version.Version == version.Version, "the runtime's version was deleted");
        await store.ChangeAsync(db => db.RuntimeVersions.Where(v => v.RuntimeId == version.RuntimeId && v.Version == version.Version).ExecuteDeleteAsync());
    }

    private async Task DeleteEndpointAsync(AgentRuntime runtime, RuntimeEndpoint endpoint)
    {
        await sessions.StopAllAsync(
            session => session.Key.RuntimeId == runtime.Id && session.Key.Qualifier == endpoint.Name, "the runtime's endpoint was deleted");
        var arn = (runtime.Arn with { Endpoint = endpoint.Name }).ToString();
        await store.ChangeAsync(async db =>
        {
            await db.Tags.Where(tag => tag.ResourceArn == arn).ExecuteDeleteAsync();
            await db.ResourcePolicies.Where(policy => policy.ResourceArn == arn).ExecuteDeleteAsync();
            return await db.RuntimeEndpoints.Where(e => e.RuntimeId == runtime.Id && e.Name == endpoint.Name).ExecuteDeleteAsync();
        });
    }

    private static bool IsOnTheWay(ResourceStatus status) => status is ResourceStatus.Creating or ResourceStatus.Updating;

    private static async Task<(AgentRuntime?, List<RuntimeVersion>, List<RuntimeEndpoint>)> ReadAsync(StoreContext db, string id) => (
        await db.Runtimes.AsNoTracking().FirstOrDefaultAsync(runtime => runtime.Id == id),
        await db.RuntimeVersions.AsNoTracking().Where(version => version.RuntimeId == id).ToListAsync(),
        await db.RuntimeEndpoints.AsNoTracking().Where(endpoint => endpoint.RuntimeId == id).ToListAsync());

    private static async Task<IReadOnlyList<string>> UnsettledAsync(StoreContext db)
    {
        ResourceStatus[] moving = [ResourceStatus.Creating, ResourceStatus.Updating, ResourceStatus.Deleting];
        return await db.Runtimes.Where(runtime => moving.Contains(runtime.Status)).Select(static runtime => runtime.Id)
            .Union(db.RuntimeVersions.Where(version => moving.Contains(version.Status)).Select(static version => version.RuntimeId))
            .Union(db.RuntimeEndpoints.Where(endpoint => moving.Contains(endpoint.Status)).Select(static endpoint => endpoint.RuntimeId))
            .ToListAsync();
    }
}
