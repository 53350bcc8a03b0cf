using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Runtimes;
using Porthole.Server.Store;

namespace Porthole.Server.Control;

/// <summary>
/// Endpoints: the names under which clients reach versions of a runtime (contract section 12). DEFAULT follows the newest version and lives
/// as long as its runtime; the others stay where they were put.
/// </summary>
internal sealed class EndpointOperations(PortholeStore store, RuntimeOperations runtimes, RepeatableChanges changes, RuntimeSettler settler, TimeProvider time)
{
    // Contract section 6.
    private const int MaxEndpoints = 10;

    private static readonly TextRule Description = new(1, 256);

    /// <summary>Makes an endpoint for a version, the newest one when none is named.</summary>
    public async Task<object?> CreateAsync(ControlRequest request)
    {
        var fields = request.Fields();
        var name = fields.RequiredText("name", CommonRules.Name);
        var (version, description, token, tags) = (ReadVersion(fields), fields.Text("description", Description), ReadToken(fields), CommonRules.ReadTags(fields) ?? []);
        fields.ThrowIfWrong();
        request.Call.RequestParameters["endpointName"] = name;
        var answer = await changes.ApplyAsync(request, token, new { name, version, description, tags }, async db =>
        {
            var runtime = await FindSettledAsync(db, request.RuntimeId);
            var names = await db.RuntimeEndpoints.Where(e => e.RuntimeId == runtime.Id).Select(static e => e.Name).ToListAsync();
            if (names.Contains(name))
                throw new AwsException(AwsError.Conflict($"The runtime '{runtime.Id}' has an endpoint '{name}' already. Update it, or take another name."));
            if (names.Count >= MaxEndpoints)
                throw new AwsException(AwsError.AccountQuotaExceeded($"The runtime '{runtime.Id}' has {MaxEndpoints} endpoints, which is the limit. Delete some."));
            var target = await FindReadyVersionAsync(db, runtime, version ?? runtime.LatestVersion);
            var endpoint = db.RuntimeEndpoints.Add(RuntimeEndpoint.New(runtime.Id, name, target.Version, description, time.GetUtcNow())).Entity;
            var arn = (runtime.Arn with { Endpoint = name }).ToString();
            db.Tags.AddRange(tags.Select(tag => new ResourceTag { ResourceArn = arn, Key = tag.Key, Value = tag.Value }));
            return EndpointCreated.Of(runtime, endpoint);
        });
        settler.Settle(request.RuntimeId);
        return answer;
    }

    /// <summary>Every endpoint of a runtime, by name.</summary>
    public async Task<object?> ListAsync(ControlRequest request)
    {
        var page = Page.Of(request);
        return await store.ReadAsync(async db =>
        {
            var runtime = await runtimes.FindAsync(db, request.RuntimeId);
            var found = await db.RuntimeEndpoints.AsNoTracking().Where(e => e.RuntimeId == runtime.Id && string.Compare(e.Name, page.After) > 0)
                .OrderBy(static e => e.Name).Take(page.Size + 1).ToListAsync(request.Cancellation);
            var (entries, next) = page.Cut(found, static endpoint => endpoint.Name);
            return new EndpointPage([.. entries.Select(endpoint => EndpointDescription.Of(runtime, endpoint))], next);
        });
    }

    /// <summary>One endpoint.</summary>
    public async Task<object?> GetAsync(ControlRequest request) => await store.ReadAsync(async db =>
    {
        var runtime = await runtimes.FindAsync(db, request.RuntimeId);
        return EndpointDescription.Of(runtime, await FindAsync(db, runtime, request.EndpointName));
    });

    /// <summary>Moves an endpoint to another version, or describes it anew; what is not given stays. Sessions keep the version that they have.</summary>
    public async Task<object?> UpdateAsync(ControlRequest request)
    {
        var fields = request.Fields();
        var (version, description, token) = (ReadVersion(fields), fields.Text("description", Description), ReadToken(fields));
        fields.ThrowIfWrong();
        var answer = await changes.ApplyAsync(request, token, new { version, description }, async db =>
        {
            var runtime = await FindSettledAsync(db, request.RuntimeId);
            var endpoint = await FindAsync(db, runtime, request.EndpointName);
            Settled.Require(endpoint);
            if (endpoint.Name == AgentRuntime.DefaultEndpoint && version is not null && version != endpoint.TargetVersion)
                throw new AwsException(AwsError.Conflict($"{AgentRuntime.DefaultEndpoint} follows the newest version of its runtime. Make another endpoint for version {version}."));
            var target = await FindReadyVersionAsync(db, runtime, version ?? endpoint.TargetVersion);
            endpoint.Description = description ?? endpoint.Description;
            endpoint.MoveTo(target.Version, time.GetUtcNow());
            return EndpointUpdated.Of(runtime, endpoint);
        });
        settler.Settle(request.RuntimeId);
        return answer;
    }

    /// <summary>Begins to remove an endpoint with its sessions.</summary>
    public async Task<object?> DeleteAsync(ControlRequest request)
    {
        var answer = await changes.ApplyAsync(request, request.Parameter("clientToken", CommonRules.ClientToken), new { }, async db =>
        {
            var runtime = await FindSettledAsync(db, request.RuntimeId);
            var endpoint = await FindAsync(db, runtime, request.EndpointName);
            if (endpoint.Name == AgentRuntime.DefaultEndpoint)
                throw new AwsException(AwsError.Conflict($"{AgentRuntime.DefaultEndpoint} lives as long as its runtime. Delete the runtime '{runtime.Id}' instead."));
            Settled.Require(endpoint);
            (endpoint.Status, endpoint.FailureReason, endpoint.LastUpdatedAt) = (ResourceStatus.Deleting, null, time.GetUtcNow());
            return new EndpointDeleted(endpoint.Status, runtime.Id, endpoint.Name);
        });
        settler.Settle(request.RuntimeId);
        return answer;
    }

    private async Task<AgentRuntime> FindSettledAsync(StoreContext db, string runtimeId)
    {
        var runtime = await runtimes.FindAsync(db, runtimeId);
        Settled.Require(runtime);
        return runtime;
    }

    private static async Task<RuntimeEndpoint> FindAsync(StoreContext db, AgentRuntime runtime, string name) =>
        await db.RuntimeEndpoints.FirstOrDefaultAsync(e => e.RuntimeId == runtime.Id && e.Name == name)
        ?? throw new AwsException(AwsError.NotFound($"The runtime '{runtime.Id}' has no endpoint '{name}'."));

    private static async Task<RuntimeVersion> FindReadyVersionAsync(StoreContext db, AgentRuntime runtime, int number)
    {
        var version = await RuntimeOperations.FindVersionAsync(db, runtime, number);
        return version.Status == ResourceStatus.Ready
            ? version
            : throw new AwsException(AwsError.Conflict($"Version {number} of the runtime '{runtime.Id}' cannot be served: {version.FailureReason ?? "it is not ready"}"));
    }

    private static int? ReadVersion(RequestFields fields) =>
        fields.Text("agentRuntimeVersion", CommonRules.Version) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;

    private static string? ReadToken(RequestFields fields) => fields.Text("clientToken", CommonRules.ClientToken);
}
