using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Images;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Control;

/// <summary>Runtimes and their versions (contract section 12). What takes time is left to the <see cref="RuntimeSettler"/>.</summary>
internal sealed class RuntimeOperations(
    ServerOptions options, PortholeStore store, LocalSources sources, RepeatableChanges changes, RuntimeSettler settler, TimeProvider time)
{
    // Contract section 6.
    private const int MaxRuntimes = 1000, MaxVersions = 1000;

    /// <summary>Makes a runtime with version 1 and the endpoint DEFAULT.</summary>
    public async Task<object?> CreateAsync(ControlRequest request)
    {
        var fields = request.Fields();
        var wanted = RuntimeRequest.ReadCreate(fields, sources);
        var token = fields.Text("clientToken", CommonRules.ClientToken);
        fields.ThrowIfWrong();
        request.Call.RequestParameters["agentRuntimeName"] = wanted.Name!;
        var answer = await changes.ApplyAsync(request, token, wanted, async db =>
        {
            if (await Mine(db).AnyAsync(runtime => runtime.Name == wanted.Name))
                throw new AwsException(AwsError.Conflict($"There is a runtime '{wanted.Name}' already. Update it, or take another name."));
            if (await Mine(db).CountAsync() >= MaxRuntimes)
                throw new AwsException(AwsError.AccountQuotaExceeded($"There are {MaxRuntimes} runtimes, which is the limit. Delete some."));
            var now = time.GetUtcNow();
            var runtime = AgentRuntime.New(wanted.Name!, options.AccountId, options.Region, now);
            runtime.Status = ResourceStatus.Creating;
            db.Runtimes.Add(runtime);
            db.RuntimeVersions.Add(NewVersion(runtime, wanted.Configuration, now));
            db.RuntimeEndpoints.Add(RuntimeEndpoint.New(runtime.Id, AgentRuntime.DefaultEndpoint, 1, null, now));
            db.Tags.AddRange(wanted.Tags.Select(tag => new ResourceTag { ResourceArn = runtime.Arn.ToString(), Key = tag.Key, Value = tag.Value }));
            return RuntimeCreated.Of(runtime);
        });
        var id = answer.GetProperty("agentRuntimeId").GetString()!;
        request.Call.ResponseElements["agentRuntimeId"] = id;
        settler.Settle(id);
        return answer;
    }

    /// <summary>Every runtime with its newest version, by name.</summary>
    public async Task<object?> ListAsync(ControlRequest request)
    {
        var page = Page.Of(request);
        return await store.ReadAsync(async db =>
        {
            var found = await (
                from runtime in Mine(db)
                where string.Compare(runtime.Name, page.After) > 0
                join version in db.RuntimeVersions on new { RuntimeId = runtime.Id, Version = runtime.LatestVersion } equals new { version.RuntimeId, version.Version }
                orderby runtime.Name
                select new { Runtime = runtime, Version = version }).AsNoTracking().Take(page.Size + 1).ToListAsync(request.Cancellation);
            var (entries, next) = page.Cut(found, static entry => entry.Runtime.Name);
            return new RuntimePage([.. entries.Select(static entry => RuntimeEntry.Of(entry.Runtime, entry.Version, entry.Runtime.LastUpdatedAt, entry.Runtime.Status))], next);
        });
    }

    /// <summary>One version of a runtime, the newest when none is named.</summary>
    public async Task<object?> GetAsync(ControlRequest request)
    {
        var wanted = VersionParameter(request);
        return await store.ReadAsync(async db =>
        {
            var runtime = await FindAsync(db, request.RuntimeId);
            return RuntimeDescription.Of(runtime, await FindVersionAsync(db, runtime, wanted ?? runtime.LatestVersion));
        });
    }

    /// <summary>Makes the next version, which DEFAULT will serve.</summary>
    public async Task<object?> UpdateAsync(ControlRequest request)
    {
        var fields = request.Fields();
        var wanted = RuntimeRequest.ReadUpdate(fields, sources);
        var token = fields.Text("clientToken", CommonRules.ClientToken);
        fields.ThrowIfWrong();
        var answer = await changes.ApplyAsync(request, token, wanted, async db =>
        {
            var runtime = await FindAsync(db, request.RuntimeId);
            Settled.Require(runtime);
            if (await db.RuntimeVersions.CountAsync(version => version.RuntimeId == runtime.Id) >= MaxVersions)
                throw new AwsException(AwsError.AccountQuotaExceeded($"The runtime has {MaxVersions} versions, which is the limit. Delete some."));
            var now = time.GetUtcNow();
            runtime.LatestVersion++;
            (runtime.Status, runtime.FailureReason, runtime.LastUpdatedAt) = (ResourceStatus.Updating, null, now);
            db.RuntimeVersions.Add(NewVersion(runtime, wanted.Configuration, now));
            var endpoint = await db.RuntimeEndpoints.FirstAsync(e => e.RuntimeId == runtime.Id && e.Name == AgentRuntime.DefaultEndpoint);
            endpoint.MoveTo(runtime.LatestVersion, now);
            return RuntimeUpdated.Of(runtime);
        });
        request.Call.ResponseElements["agentRuntimeVersion"] = answer.GetProperty("agentRuntimeVersion").GetString()!;
        settler.Settle(request.RuntimeId);
        return answer;
    }

    /// <summary>Begins to remove a runtime with its versions, endpoints and sessions, or one version that no endpoint serves.</summary>
    public async Task<object?> DeleteAsync(ControlRequest request)
    {
        var wanted = VersionParameter(request);
        var answer = await changes.ApplyAsync(request, request.Parameter("clientToken", CommonRules.ClientToken), new { wanted }, async db =>
        {
            var runtime = await FindAsync(db, request.RuntimeId);
            Settled.Require(runtime);
            if (wanted is { } number)
            {
                await BeginDeleteAsync(db, runtime, number);
            }
            else
            {
                foreach (var endpoint in await db.RuntimeEndpoints.AsNoTracking().Where(e => e.RuntimeId == runtime.Id).ToListAsync())
                    Settled.Require(endpoint);
                (runtime.Status, runtime.FailureReason, runtime.LastUpdatedAt) = (ResourceStatus.Deleting, null, time.GetUtcNow());
            }

            return new RuntimeDeleted(ResourceStatus.Deleting, runtime.Id, wanted?.ToString(CultureInfo.InvariantCulture));
        });
        settler.Settle(request.RuntimeId);
        return answer;
    }

    /// <summary>Every version of a runtime, the oldest first.</summary>
    public async Task<object?> ListVersionsAsync(ControlRequest request)
    {
        var page = Page.Of(request);
        var after = 0;
        if (page.After.Length > 0 && !int.TryParse(page.After, NumberStyles.None, CultureInfo.InvariantCulture, out after))
            throw new AwsException(AwsError.InvalidField("nextToken", "nextToken is of another list."));
        return await store.ReadAsync(async db =>
        {
            var runtime = await FindAsync(db, request.RuntimeId);
            var found = await db.RuntimeVersions.AsNoTracking().Where(v => v.RuntimeId == runtime.Id && v.Version > after)
                .OrderBy(v => v.Version).Take(page.Size + 1).ToListAsync(request.Cancellation);
            var (entries, next) = page.Cut(found, static version => version.Version.ToString(CultureInfo.InvariantCulture));
            return new RuntimePage([.. entries.Select(version => RuntimeEntry.Of(runtime, version, version.CreatedAt, version.Status))], next);
        });
    }

    /// <summary>A runtime of this server's account and region.</summary>
    /// <exception cref="AwsException">There is none.</exception>
    public async Task<AgentRuntime> FindAsync(StoreContext db, string id) =>
        await Mine(db).FirstOrDefaultAsync(runtime => runtime.Id == id) ?? throw new AwsException(AwsError.NotFound($"There is no runtime '{id}'."));

    /// <summary>A version of a runtime.</summary>
    /// <exception cref="AwsException">There is none.</exception>
    public static async Task<RuntimeVersion> FindVersionAsync(StoreContext db, AgentRuntime runtime, int number) =>
        await db.RuntimeVersions.FirstOrDefaultAsync(version => version.RuntimeId == runtime.Id && version.Version == number)
        ?? throw new AwsException(AwsError.NotFound($"The runtime '{runtime.Id}' has no version {number}."));

    private static async Task BeginDeleteAsync(StoreContext db, AgentRuntime runtime, int number)
    {
        var version = await FindVersionAsync(db, runtime, number);
        if (await db.RuntimeEndpoints.FirstOrDefaultAsync(e => e.RuntimeId == runtime.Id && (e.LiveVersion == number || e.TargetVersion == number)) is { } user)
            throw new AwsException(AwsError.Conflict($"The endpoint '{user.Name}' serves version {number}. Move it to another version first."));
        version.Status = ResourceStatus.Deleting;
    }

    private IQueryable<AgentRuntime> Mine(StoreContext db) => db.Runtimes.Where(runtime => runtime.AccountId == options.AccountId && runtime.Region == options.Region);

    private static RuntimeVersion NewVersion(AgentRuntime runtime, RuntimeConfiguration configuration, DateTimeOffset now) => new()
    {
        RuntimeId = runtime.Id,
        Version = runtime.LatestVersion,
        Configuration = configuration,
        CreatedAt = now,
        Status = runtime.Status,
    };

    private static int? VersionParameter(ControlRequest request) =>
        request.Parameter("version", CommonRules.Version) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
}
