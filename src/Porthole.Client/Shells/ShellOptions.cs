using Porthole.Protocol.Shells;

namespace Porthole.Client;

/// <summary>Which shell to attach to, and how to hold on to it.</summary>
public sealed record ShellOptions
{
    /// <summary>The session; null for a new one with a random id.</summary>
    public string? SessionId { get; init; }

    /// <summary>The shell within the session, made when it does not exist; null for a new one with a random id.</summary>
    public string? ShellId { get; init; }

    /// <summary>The runtime's endpoint; null for <c>DEFAULT</c>.</summary>
    public string? Qualifier { get; init; }

    /// <summary>The terminal's size, sent right after each attach; null leaves it to the server until <see cref="ShellConnection.Resize"/>.</summary>
    public TerminalSize? Size { get; init; }

    /// <summary>Carries the signature in the URL instead of in headers, as a browser would. Needs an access key.</summary>
    public bool Presigned { get; init; }

    /// <summary>What to do when the connection drops; null ends the connection object instead.</summary>
    public ReconnectPolicy? Reconnect { get; init; } = ReconnectPolicy.Default;

    /// <summary>
    /// Time for the first attach, from the TCP connect to the shell's confirmation. 330 s by default: what the service advises for the cold
    /// start of a large image.
    /// </summary>
    public TimeSpan AttachTimeout { get; init; } = TimeSpan.FromSeconds(330);

    /// <summary>Silence after which the server is pinged. 30 s as the official SDKs.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time for the pong, after which the connection counts as dead: 30 s, so that a dead one is noticed within the official 60 s.</summary>
    public TimeSpan PongTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
