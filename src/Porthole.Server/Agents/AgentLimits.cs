namespace Porthole.Server.Agents;

/// <summary>Limits of agents and of what is asked of them.</summary>
public sealed record AgentLimits
{
    /// <summary>Every limit as documented.</summary>
    public static AgentLimits Default { get; } = new();

    /// <summary>Time from its start in which an agent has to be healthy (contract section 9.2).</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Time in which an agent has to begin its answer (contract section 6: a synchronous request's).</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Time in which an answer has to end, and longest life of a WebSocket (contract section 6).</summary>
    public TimeSpan StreamTimeout { get; init; } = TimeSpan.FromMinutes(60);

    /// <summary>Time between two questions how a healthy agent is. The service's own is not documented.</summary>
    public TimeSpan HealthInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time in which it has to answer that; one that does not is not busy.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes of what an agent prints that are kept, 4,096 to 16,777,216.</summary>
    public int LogBytes { get; init; } = 1024 * 1024;

    /// <summary>Largest payload of a WebSocket frame (contract section 6; an older page says half of it).</summary>
    public int MaxSocketFrameBytes { get; init; } = 64 * 1024;

    /// <summary>WebSocket frames that a client may send in a second (contract section 6).</summary>
    public int MaxSocketFramesPerSecond { get; init; } = 250;
}
