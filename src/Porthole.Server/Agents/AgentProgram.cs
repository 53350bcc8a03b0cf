using Porthole.Protocol.Aws;
using Porthole.Protocol.Link;
using Porthole.Sandboxes.Images;
using Porthole.Server.Runtimes;

namespace Porthole.Server.Agents;

/// <summary>What runs as a session's agent.</summary>
internal static class AgentProgram
{
    /// <summary>
    /// A variable of the runtime that holds a line for the shell to run as the agent, in the place of the image's own program. The service's
    /// API has no field for it, and the host's tools have no program of their own.
    /// </summary>
    public const string CommandVariable = "PORTHOLE_AGENT_COMMAND";

    private const string DefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The program with its environment; null when the runtime has no agent.</summary>
    /// <param name="deployment">The runtime and its version.</param>
    /// <param name="sessionId">The session that it belongs to.</param>
    /// <param name="prepared">The image.</param>
    /// <param name="serverUrl">Where clients reach this server, without a slash at the end.</param>
    public static ProgramSpec? Of(Deployment deployment, string sessionId, PreparedImage prepared, string serverUrl)
    {
        var image = prepared.Configuration;
        var variables = deployment.Configuration.EnvironmentVariables;
        IReadOnlyList<string> program = variables.TryGetValue(CommandVariable, out var line) ? [prepared.Shell, "-c", line] : image.Program;
        if (program.Count == 0)
            return null;
        if (image.User.Length > 0)
            program = [ProgramSpec.GuestItself, "run-as", image.User, .. program];
        var arn = deployment.Runtime.Arn.ToString();
        string[] home = image.User.Length > 0 ? [] : ["HOME=/root"];
        string[] own =
        [
            DefaultPath, .. home, "LANG=C.UTF-8", $"PORTHOLE_SESSION_ID={sessionId}",
            $"AGENTCORE_RUNTIME_URL={serverUrl}/runtimes/{PercentEncoding.Encode(arn)}/invocations/",
            $"OTEL_RESOURCE_ATTRIBUTES=service.name={deployment.Runtime.Name}.{deployment.Endpoint},aws.bedrock-agentcore.runtime.arn={arn}",
        ];
        return new ProgramSpec(program, Merge([.. own, .. image.Environment, .. variables.Select(pair => $"{pair.Key}={pair.Value}")]), image.WorkingDirectory);
    }

    // The image's word counts more than ours, and the runtime's more than the image's.
    private static IReadOnlyList<string> Merge(IEnumerable<string> entries)
    {
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in entries)
            merged[entry.Split('=', 2)[0]] = entry;
        return [.. merged.Values];
    }
}
