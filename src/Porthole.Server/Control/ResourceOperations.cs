using Microsoft.EntityFrameworkCore;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Auth.Policies;
using Porthole.Server.Store;

namespace Porthole.Server.Control;

/// <summary>What runtimes and endpoints carry under their ARNs: tags, and policies of their own (contract sections 11 and 12).</summary>
internal sealed class ResourceOperations(ServerOptions options, PortholeStore store)
{
    // Of one resource; a request is held to the same.
    private const int MaxTags = 50;

    private static readonly TextRule Policy = new(1, 20_480);

    /// <summary>The tags of a resource.</summary>
    public async Task<object?> ListTagsAsync(ControlRequest request) => await store.ReadAsync(async db =>
    {
        await RequireAsync(db, request.ResourceArn);
        return new { tags = await db.Tags.Where(tag => tag.ResourceArn == request.ResourceArn).ToDictionaryAsync(static tag => tag.Key, static tag => tag.Value) };
    });

    /// <summary>Adds tags, and gives those that are there already their new values.</summary>
    public async Task<object?> TagAsync(ControlRequest request)
    {
        var fields = request.Fields();
        var wanted = CommonRules.ReadTags(fields);
        if (!fields.Has("tags"))
            fields.Fail("tags", "is required");
        fields.ThrowIfWrong();
        return await ChangeAsync(request, async db =>
        {
            var tags = await db.Tags.Where(tag => tag.ResourceArn == request.ResourceArn).ToDictionaryAsync(static tag => tag.Key);
            foreach (var (key, value) in wanted!)
            {
                if (tags.TryGetValue(key, out var tag))
                    tag.Value = value;
                else
                    tags[key] = db.Tags.Add(new ResourceTag { ResourceArn = request.ResourceArn, Key = key, Value = value }).Entity;
            }

            if (tags.Count > MaxTags)
                throw new AwsException(AwsError.AccountQuotaExceeded($"A resource has {MaxTags} tags at most; this would make {tags.Count}."));
        });
    }

    /// <summary>Removes tags; those that are not there are no error.</summary>
    public async Task<object?> UntagAsync(ControlRequest request)
    {
        var keys = request.Query.All.Where(static pair => pair.Key == "tagKeys").Select(static pair => pair.Value).ToArray();
        if (keys.Length == 0)
            throw new AwsException(AwsError.InvalidField("tagKeys", "tagKeys is required."));
        if (keys.FirstOrDefault(static key => !CommonRules.TagKey.Allows(key)) is { } wrong)
            throw new AwsException(AwsError.InvalidField("tagKeys", $"tagKeys has '{wrong}'; a key must be {CommonRules.TagKey}."));
        return await ChangeAsync(request, db => db.Tags.Where(tag => tag.ResourceArn == request.ResourceArn && keys.Contains(tag.Key)).ExecuteDeleteAsync());
    }

    /// <summary>Gives a resource a policy in the place of the one that it has.</summary>
    public async Task<object?> PutPolicyAsync(ControlRequest request)
    {
        var fields = request.Fields();
        var text = fields.RequiredText("policy", Policy);
        if (text.Length > 0 && ProblemOf(text, request.ResourceArn) is { } problem)
            fields.Fail("policy", problem);
        fields.ThrowIfWrong();
        await ChangeAsync(request, async db =>
        {
            if (await db.ResourcePolicies.FirstOrDefaultAsync(policy => policy.ResourceArn == request.ResourceArn) is { } known)
                known.Policy = text;
            else
                db.ResourcePolicies.Add(new ResourcePolicy { ResourceArn = request.ResourceArn, Policy = text });
        });
        return new { policy = text };
    }

    /// <summary>The policy of a resource.</summary>
    public async Task<object?> GetPolicyAsync(ControlRequest request) => await store.ReadAsync(async db =>
    {
        await RequireAsync(db, request.ResourceArn);
        return await db.ResourcePolicies.AsNoTracking().FirstOrDefaultAsync(policy => policy.ResourceArn == request.ResourceArn) is { } known
            ? new { policy = known.Policy }
            : throw NoPolicy(request);
    });

    /// <summary>Takes the policy of a resource away.</summary>
    public async Task<object?> DeletePolicyAsync(ControlRequest request) => await ChangeAsync(request, async db =>
    {
        if (await db.ResourcePolicies.Where(policy => policy.ResourceArn == request.ResourceArn).ExecuteDeleteAsync() == 0)
            throw NoPolicy(request);
    });

    private async Task<object?> ChangeAsync(ControlRequest request, Func<StoreContext, Task> change) => await store.ChangeAsync(async db =>
    {
        await RequireAsync(db, request.ResourceArn);
        await change(db);
        return (object?)null;
    });

    private async Task RequireAsync(StoreContext db, string resourceArn)
    {
        var isThere = RuntimeArn.TryParse(resourceArn, out var arn)
            && arn is { Partition: "aws", Kind: RuntimeKind.Runtime } && arn.AccountId == options.AccountId && arn.Region == options.Region
            && (arn.Endpoint is { } endpoint
                ? await db.RuntimeEndpoints.AnyAsync(e => e.RuntimeId == arn.Id && e.Name == endpoint)
                : await db.Runtimes.AnyAsync(runtime => runtime.Id == arn.Id));
        if (!isThere)
            throw new AwsException(AwsError.NotFound($"There is no resource '{resourceArn}'."));
    }

    private static AwsException NoPolicy(ControlRequest request) => new(AwsError.NotFound($"'{request.ResourceArn}' has no policy."));

    private static string? ProblemOf(string policy, string resourceArn)
    {
        try
        {
            Auth.Policies.Policy.ParseForResource(policy, resourceArn);
            return null;
        }
        catch (PolicyException e)
        {
            return $"is not accepted: {e.Message.TrimEnd('.')}";
        }
    }
}
