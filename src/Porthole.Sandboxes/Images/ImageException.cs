namespace Porthole.Sandboxes.Images;

/// <summary>An image cannot be named, had or used. The message says what to do; it becomes the reason why a runtime failed.</summary>
public class ImageException : Exception
{
    /// <summary>Reports a failure in words for whoever named the image.</summary>
    public ImageException(string message) : base(message)
    {
    }

    /// <summary>Reports a failure and what it came from.</summary>
    public ImageException(string message, Exception cause) : base(message, cause)
    {
    }
}

/// <summary>The disk is too full for an image.</summary>
internal sealed class DiskFullException(string message) : ImageException(message);
