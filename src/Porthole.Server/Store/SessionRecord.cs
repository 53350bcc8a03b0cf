namespace Porthole.Server.Store;

/// <summary>One life of a runtime session. A session id that is used again after its end gets another record.</summary>
public sealed class SessionRecord
{
    /// <summary>The record's own key.</summary>
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>The runtime's id.</summary>
    public required string RuntimeId { get; init; }

    /// <summary>The endpoint that it was made through.</summary>
    public required string Qualifier { get; init; }

    /// <summary>The id that the client chose or was given.</summary>
    public required string SessionId { get; init; }

    /// <summary>The version of the runtime that it was made of, which it keeps.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Who made it: an access key's id, or the subject of a token.</summary>
    public string? Principal { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended; null while it lives.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>Why it ended; null while it lives.</summary>
    public SessionEnd? End { get; set; }
}

/// <summary>Why a session ended.</summary>
public enum SessionEnd
{
    /// <summary>A client or an operator stopped it.</summary>
    Stopped,

    /// <summary>Nothing happened in it for its idle time.</summary>
    Idle,

    /// <summary>It reached its longest life.</summary>
    LifetimeReached,

    /// <summary>It could not start.</summary>
    StartFailed,

    /// <summary>Its sandbox died, or was found dead by a new server.</summary>
    Died,
}
