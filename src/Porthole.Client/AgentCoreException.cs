namespace Porthole.Client;

/// <summary>A request was refused, or the server could not be asked. The message is for a person and says which of the two.</summary>
public sealed class AgentCoreException : Exception
{
    /// <summary>Reports a problem on this side of the wire, or the lack of an answer.</summary>
    /// <param name="message">What happened, for a person.</param>
    /// <param name="inner">The cause, if any.</param>
    public AgentCoreException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Reports an answer that refuses.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="name">The error's name, for instance <c>ValidationException</c>; null when the answer had none.</param>
    /// <param name="message">The server's own message.</param>
    /// <param name="requestId">The request's id in the server's log; null when the answer had none.</param>
    public AgentCoreException(int status, string? name, string message, string? requestId)
        : base(message)
    {
        Status = status;
        Name = name;
        RequestId = requestId;
    }

    /// <summary>The HTTP status of the answer; null when there was no answer.</summary>
    public int? Status { get; }

    /// <summary>The error's name as the service model spells it; null when there was no answer or it had none.</summary>
    public string? Name { get; }

    /// <summary>The request's id in the server's log, if it gave one.</summary>
    public string? RequestId { get; }
}
