using System.Text.Json.Serialization;

namespace Porthole.Client;

internal sealed record CreateRuntimeRequest : AgentRuntimeSettings
{
    public CreateRuntimeRequest(string name, AgentRuntimeSettings settings, IReadOnlyDictionary<string, string>? tags) : base(settings) =>
        (AgentRuntimeName, Tags) = (name, tags);

    public string AgentRuntimeName { get; }

    public IReadOnlyDictionary<string, string>? Tags { get; }

    public string ClientToken { get; } = Guid.NewGuid().ToString();
}

internal sealed record UpdateRuntimeRequest : AgentRuntimeSettings
{
    public UpdateRuntimeRequest(AgentRuntimeSettings settings) : base(settings)
    {
    }

    public string ClientToken { get; } = Guid.NewGuid().ToString();
}

internal sealed record RuntimeChange(string AgentRuntimeId);

internal sealed record EndpointRequest(string? Name, string? AgentRuntimeVersion, string? Description)
{
    public string ClientToken { get; } = Guid.NewGuid().ToString();
}

internal sealed record RuntimePage(IReadOnlyList<AgentRuntimeSummary> AgentRuntimes, string? NextToken);

internal sealed record EndpointPage(IReadOnlyList<AgentRuntimeEndpoint> RuntimeEndpoints, string? NextToken);

internal sealed record TagsDocument(IReadOnlyDictionary<string, string> Tags);

internal sealed record PolicyDocument(string Policy);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CreateRuntimeRequest))]
[JsonSerializable(typeof(UpdateRuntimeRequest))]
[JsonSerializable(typeof(RuntimeChange))]
[JsonSerializable(typeof(AgentRuntimeDescription))]
[JsonSerializable(typeof(EndpointRequest))]
[JsonSerializable(typeof(RuntimePage))]
[JsonSerializable(typeof(EndpointPage))]
[JsonSerializable(typeof(TagsDocument))]
[JsonSerializable(typeof(PolicyDocument))]
internal sealed partial class ControlJson : JsonSerializerContext;
