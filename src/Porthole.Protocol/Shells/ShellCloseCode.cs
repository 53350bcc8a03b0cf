namespace Porthole.Protocol.Shells;

/// <summary>
/// WebSocket close codes of a shell socket. Every close carries one: official clients disagree on what a missing code means.
/// </summary>
public static class ShellCloseCode
{
    /// <summary>The shell ended, or CLOSE was answered. Clients stop.</summary>
    public const int Ended = 1000;

    /// <summary>The server restarts. Clients reconnect to the same shell.</summary>
    public const int ServerRestart = 1001;

    /// <summary><see cref="ShellLimits.MaxConsecutiveTextFrames"/> text messages in a row.</summary>
    public const int TextNotAccepted = 1003;

    /// <summary>Connection lifetime, frame rate or a client that stopped reading. The shell stays.</summary>
    public const int LimitReached = 1008;

    /// <summary>A message above <see cref="ShellLimits.MaxFrameBytesReceived"/>. The shell stays.</summary>
    public const int FrameTooLarge = 1009;

    /// <summary>The platform failed, for instance the session could not start after the 101.</summary>
    public const int InternalError = 1011;

    /// <summary>A newer connection took the shell over. Clients must not reconnect, or two would steal it from each other for ever.</summary>
    public const int TakenOver = 4000;
}
