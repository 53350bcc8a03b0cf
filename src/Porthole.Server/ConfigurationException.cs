namespace Porthole.Server;

/// <summary>A setting is unknown or out of range. The message names it and says what is allowed.</summary>
public sealed class ConfigurationException(string message) : Exception(message);
