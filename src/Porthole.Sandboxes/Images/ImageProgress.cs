namespace Porthole.Sandboxes.Images;

/// <summary>How far the preparation of an image is.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Bytes">How much of it is done.</param>
/// <param name="TotalBytes">Of how much; 0 while that is not known.</param>
public readonly record struct ImageProgress(ImageStage Stage, long Bytes, long TotalBytes);

/// <summary>The stages of a preparation, in their order.</summary>
public enum ImageStage
{
    /// <summary>The manifest is being read.</summary>
    Resolving,

    /// <summary>Layers are being copied; the bytes are compressed ones.</summary>
    Copying,

    /// <summary>Layers are being unpacked; the bytes are those on the disk.</summary>
    Unpacking,

    /// <summary>All is done.</summary>
    Ready,
}
