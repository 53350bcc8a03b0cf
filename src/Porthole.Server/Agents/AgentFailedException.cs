namespace Porthole.Server.Agents;

/// <summary>A session's agent cannot be used now; the message says why, for a person.</summary>
internal sealed class AgentFailedException(string message) : Exception(message);
