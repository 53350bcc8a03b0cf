namespace Porthole.Server.Auth.Policies;

/// <summary>A policy cannot be used; the message says where and why, for whoever wrote it.</summary>
public sealed class PolicyException(string message) : Exception(message);
