namespace Porthole.Protocol.WebSockets;

/// <summary>The peer broke RFC 6455 or a limit; the connection is closed with <see cref="CloseCode"/>.</summary>
public sealed class WebSocketProtocolException(int closeCode, string message) : Exception(message)
{
    /// <summary>Close code for a breach of the protocol (RFC 6455 section 7.4.1).</summary>
    public const int ProtocolError = 1002;

    /// <summary>Close code for a message that is too big (RFC 6455 section 7.4.1).</summary>
    public const int TooBig = 1009;

    /// <summary>The code to close with.</summary>
    public int CloseCode { get; } = closeCode;
}
