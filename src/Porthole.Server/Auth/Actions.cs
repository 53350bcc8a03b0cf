using Porthole.Protocol.Aws;

namespace Porthole.Server.Auth;

/// <summary>The actions that policies name. Those of the service have the names of its operations; those of this server's own API are in <c>porthole:</c>.</summary>
public static class Actions
{
    /// <summary>The user that <c>X-Amzn-Bedrock-AgentCore-Runtime-User-Id</c> names is asked for by these actions, beside the operation's own.</summary>
    public const string ForUser = "ForUser";

    private const string ServicePrefix = RuntimeArn.Service + ":";

    /// <summary>The action of an operation of the service.</summary>
    /// <param name="operation">The operation's name, for instance <c>CreateAgentRuntime</c>.</param>
    public static string Of(string operation) => ServicePrefix + operation;

    /// <summary>The action of an operation of this server's own API.</summary>
    internal static string OfServer(string operation) => "porthole:" + operation;

    internal static string Of(DataPlaneOperation operation) => Of(operation.ToString());

    /// <summary>
    /// Whether an action uses a runtime instead of managing it. Policies that resources carry decide on these alone, so that no such policy can
    /// keep an operator from changing it.
    /// </summary>
    internal static bool UseRuntime(string action)
    {
        var name = action.StartsWith(ServicePrefix, StringComparison.Ordinal) ? action[ServicePrefix.Length..] : "";
        if (name.EndsWith(ForUser, StringComparison.Ordinal)) name = name[..^ForUser.Length];
        return Enum.TryParse<DataPlaneOperation>(name, out var operation) && operation != DataPlaneOperation.None;
    }
}
