namespace Porthole.Server.Store;

/// <summary>A data directory cannot be used; the message says why and what to do.</summary>
public class DataDirectoryException : Exception
{
    /// <summary>Reports a problem.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="cause">What the operating system said, if anything.</param>
    public DataDirectoryException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
