namespace Porthole.Protocol.Shells;

/// <summary>The first byte of every binary WebSocket message on a shell socket. Any other value is ignored.</summary>
public static class ShellFrameChannel
{
    /// <summary>Client to server: raw bytes for the terminal.</summary>
    public const byte Stdin = 0x00;

    /// <summary>Server to client: raw terminal output, the shell's stdout and stderr merged.</summary>
    public const byte Stdout = 0x01;

    /// <summary>Server to client: UTF-8 text from the platform itself, never from the shell.</summary>
    public const byte Stderr = 0x02;

    /// <summary>Server to client: a <see cref="ShellStatus"/> as JSON.</summary>
    public const byte Status = 0x03;

    /// <summary>Client to server: a <see cref="TerminalSize"/> as JSON.</summary>
    public const byte Resize = 0x04;

    /// <summary>Either direction, empty; the server echoes it.</summary>
    public const byte Heartbeat = 0x05;

    /// <summary>Client to server: end the shell. Server to client: the shell is being taken away. Empty.</summary>
    public const byte Close = 0xFF;
}
