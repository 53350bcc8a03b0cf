namespace Porthole.Sandboxes;

/// <summary>A sandbox could not be started, reached or ended. The message says what to do.</summary>
public sealed class SandboxException : Exception
{
    /// <summary>Reports a failure in words for an operator.</summary>
    public SandboxException(string message) : base(message)
    {
    }

    /// <summary>Reports a failure and what it came from.</summary>
    public SandboxException(string message, Exception cause) : base(message, cause)
    {
    }
}
