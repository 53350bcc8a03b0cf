namespace Porthole.Server.Store;

/// <summary>One connection to a shell, or one refused attempt: who, when, from where and how it ended. Never what was typed or shown.</summary>
public sealed class ShellConnection
{
    /// <summary>The record's own key.</summary>
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>The id that the client got in <c>x-amzn-RequestId</c>.</summary>
    public required string RequestId { get; init; }

    /// <summary>Who it was: an access key's id, or the subject of a token.</summary>
    public string? Principal { get; init; }

    /// <summary>The client's address and port.</summary>
    public string? RemoteAddress { get; init; }

    /// <summary>The runtime's id.</summary>
    public required string RuntimeId { get; init; }

    /// <summary>The endpoint.</summary>
    public required string Qualifier { get; init; }

    /// <summary>The session's id.</summary>
    public required string SessionId { get; init; }

    /// <summary>The shell's id.</summary>
    public required string ShellId { get; init; }

    /// <summary>The HTTP status of the answer: 101, or the refusal.</summary>
    public int Status { get; init; } = 101;

    /// <summary>When the answer was sent.</summary>
    public required DateTimeOffset OpenedAt { get; init; }

    /// <summary>When the connection ended; null while it lasts.</summary>
    public DateTimeOffset? ClosedAt { get; set; }

    /// <summary>The WebSocket close code that the server sent or got; null while it lasts, and when the connection just dropped.</summary>
    public int? CloseCode { get; set; }

    /// <summary>How it ended; null while it lasts.</summary>
    public ConnectionEnd? End { get; set; }

    /// <summary>Bytes for the terminal that the client sent.</summary>
    public long BytesIn { get; set; }

    /// <summary>Bytes of the terminal that the client was sent.</summary>
    public long BytesOut { get; set; }
}

/// <summary>How a connection to a shell ended.</summary>
public enum ConnectionEnd
{
    /// <summary>It never began: the upgrade was refused.</summary>
    Refused,

    /// <summary>The shell exited.</summary>
    ShellExited,

    /// <summary>The client closed the shell.</summary>
    ClosedByClient,

    /// <summary>The client closed the socket; the shell stays.</summary>
    Detached,

    /// <summary>The network dropped, or the client fell silent; the shell stays.</summary>
    Dropped,

    /// <summary>A newer connection took the shell over.</summary>
    TakenOver,

    /// <summary>A limit was reached: lifetime, frame rate, frame size or a client that stopped reading; the shell stays.</summary>
    LimitReached,

    /// <summary>The client broke the protocol; the shell stays.</summary>
    ProtocolError,

    /// <summary>The access key that opened it was revoked; the shell stays.</summary>
    KeyRevoked,

    /// <summary>The session ended under it.</summary>
    SessionEnded,

    /// <summary>The session was suspended under it; the shell stays.</summary>
    SessionSuspended,

    /// <summary>The server was stopped in order; the shell stays.</summary>
    ServerStopped,

    /// <summary>The server was gone without a word; found by the next one, so the time is when that one started.</summary>
    ServerLost,

    /// <summary>The platform failed.</summary>
    PlatformError,
}
