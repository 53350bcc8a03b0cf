namespace Porthole.Protocol.WebSockets;

/// <summary>What <see cref="WebSocketServerDecoder"/> found next.</summary>
public enum WebSocketPart
{
    /// <summary>All bytes are used up.</summary>
    NeedMore,

    /// <summary>Some bytes of a message; see <see cref="WebSocketServerDecoder.IsFirst"/> and <see cref="WebSocketServerDecoder.IsLast"/>.</summary>
    Message,

    /// <summary>A whole ping; its payload goes back in a pong.</summary>
    Ping,

    /// <summary>A whole pong.</summary>
    Pong,

    /// <summary>A whole close frame; nothing after it counts.</summary>
    Close,
}
