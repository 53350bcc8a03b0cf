namespace Porthole.Protocol.WebSockets;

/// <summary>Frame types of RFC 6455 section 5.2.</summary>
public enum WebSocketOpcode : byte
{
    /// <summary>A further frame of the message that is under way.</summary>
    Continuation = 0,

    /// <summary>UTF-8 text.</summary>
    Text = 1,

    /// <summary>Bytes.</summary>
    Binary = 2,

    /// <summary>End of the connection, with a code and a reason.</summary>
    Close = 8,

    /// <summary>Asks for a <see cref="Pong"/> with the same payload.</summary>
    Ping = 9,

    /// <summary>Answers a <see cref="Ping"/>.</summary>
    Pong = 10,
}
