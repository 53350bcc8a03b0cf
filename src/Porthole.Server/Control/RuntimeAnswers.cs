using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Porthole.Server.Store;

namespace Porthole.Server.Control;

/// <summary>Answer of CreateAgentRuntime.</summary>
internal sealed record RuntimeCreated(string AgentRuntimeArn, string AgentRuntimeId, string AgentRuntimeVersion, DateTimeOffset CreatedAt, ResourceStatus Status)
{
    public static RuntimeCreated Of(AgentRuntime runtime) =>
        new(runtime.Arn.ToString(), runtime.Id, runtime.LatestVersion.ToString(CultureInfo.InvariantCulture), runtime.CreatedAt, runtime.Status);
}

/// <summary>Answer of UpdateAgentRuntime.</summary>
internal sealed record RuntimeUpdated(
    string AgentRuntimeArn, string AgentRuntimeId, string AgentRuntimeVersion, DateTimeOffset CreatedAt, DateTimeOffset LastUpdatedAt, ResourceStatus Status)
{
    public static RuntimeUpdated Of(AgentRuntime runtime) => new(
        runtime.Arn.ToString(), runtime.Id, runtime.LatestVersion.ToString(CultureInfo.InvariantCulture), runtime.CreatedAt, runtime.LastUpdatedAt, runtime.Status);
}

/// <summary>Answer of DeleteAgentRuntime.</summary>
internal sealed record RuntimeDeleted(ResourceStatus Status, string AgentRuntimeId, string? AgentRuntimeVersion);

/// <summary>An entry of ListAgentRuntimes and of ListAgentRuntimeVersions; the model wants a description, if only an empty one.</summary>
internal sealed record RuntimeEntry(
    string AgentRuntimeArn, string AgentRuntimeId, string AgentRuntimeVersion, string AgentRuntimeName, string Description, DateTimeOffset LastUpdatedAt, ResourceStatus Status)
{
    public static RuntimeEntry Of(AgentRuntime runtime, RuntimeVersion version, DateTimeOffset lastUpdatedAt, ResourceStatus status) => new(
        runtime.Arn.ToString(), runtime.Id, version.Version.ToString(CultureInfo.InvariantCulture), runtime.Name, version.Configuration.Description ?? "", lastUpdatedAt, status);
}

/// <summary>A page of runtimes or of versions.</summary>
internal sealed record RuntimePage(IReadOnlyList<RuntimeEntry> AgentRuntimes, string? NextToken);

/// <summary>Answer of GetAgentRuntime: the version's fields as they were given, defaults filled in, and the runtime's own beside them.</summary>
internal static class RuntimeDescription
{
    public static JsonObject Of(AgentRuntime runtime, RuntimeVersion version)
    {
        var isLatest = version.Version == runtime.LatestVersion;
        var answer = JsonSerializer.SerializeToNode(version.Configuration, ControlJson.Options)!.AsObject();
        Set("agentRuntimeArn", runtime.Arn.ToString());
        Set("agentRuntimeName", runtime.Name);
        Set("agentRuntimeId", runtime.Id);
        Set("agentRuntimeVersion", version.Version.ToString(CultureInfo.InvariantCulture));
        Set("createdAt", runtime.CreatedAt);
        Set("lastUpdatedAt", isLatest ? runtime.LastUpdatedAt : version.CreatedAt);
        Set("status", isLatest ? runtime.Status : version.Status);
        if ((isLatest ? runtime.FailureReason : version.FailureReason) is { } reason)
            Set("failureReason", reason);
        return answer;

        void Set<T>(string name, T value) => answer[name] = JsonSerializer.SerializeToNode(value, ControlJson.Options);
    }
}
