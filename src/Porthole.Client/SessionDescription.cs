using System.Text.Json.Serialization;

namespace Porthole.Client;

/// <summary>A session on a Porthole server.</summary>
/// <param name="SessionId">Its id.</param>
/// <param name="RuntimeArn">The runtime it belongs to.</param>
/// <param name="Qualifier">The runtime's endpoint it was made through.</param>
/// <param name="State">For instance <c>ACTIVE</c> or <c>SUSPENDED</c>, in the server's words.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Shells">Its shells.</param>
/// <param name="Isolation">What stands between it and the host: <c>namespace</c> or <c>microvm</c>; null while it starts.</param>
/// <param name="Accelerator">What runs the instructions of a microVM: <c>kvm</c>, or <c>tcg</c> where it is emulated, with which QEMU promises no isolation.</param>
public sealed record SessionDescription(
    string SessionId, string RuntimeArn, string? Qualifier, string State, DateTimeOffset CreatedAt, IReadOnlyList<ShellDescription> Shells, string? Isolation = null, string? Accelerator = null);

/// <summary>A shell of a session.</summary>
/// <param name="ShellId">Its id.</param>
/// <param name="Attached">Whether a client is connected to it.</param>
public sealed record ShellDescription(string ShellId, bool Attached);

internal sealed record ShutdownRequest(bool Sessions);

internal sealed record CreateKeyRequest(string? Name, string? Policy);

internal sealed record CommandRequest(string Command, int? Timeout);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(List<SessionDescription>))]
[JsonSerializable(typeof(List<ImageDescription>))]
[JsonSerializable(typeof(ImagePullStep))]
[JsonSerializable(typeof(ShutdownRequest))]
[JsonSerializable(typeof(CommandRequest))]
[JsonSerializable(typeof(CreateKeyRequest))]
[JsonSerializable(typeof(List<AccessKeyDescription>))]
internal sealed partial class ClientJson : JsonSerializerContext;
