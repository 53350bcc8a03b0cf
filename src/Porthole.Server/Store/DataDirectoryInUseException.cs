namespace Porthole.Server.Store;

/// <summary>Another server has the data directory.</summary>
public sealed class DataDirectoryInUseException : DataDirectoryException
{
    internal DataDirectoryInUseException(string path, int? processId)
        : base($"The data directory {path} is in use by another server{(processId is { } pid ? $" (pid {pid})" : "")}. "
            + $"Stop it with 'porthole stop --data-dir {path}', or choose another directory with --data-dir.")
    {
        ProcessId = processId;
    }

    /// <summary>The other server's process id; null in the instant before it has written it down.</summary>
    public int? ProcessId { get; }
}
