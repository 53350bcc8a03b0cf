namespace Porthole.Sandboxes.Images;

/// <summary>An image in the store.</summary>
/// <param name="Image">What sessions are started from.</param>
/// <param name="References">The names under which it was asked for, the latest last.</param>
/// <param name="Bytes">What it takes of the disk, unpacked.</param>
/// <param name="PreparedAt">When it was asked for last.</param>
public sealed record StoredImage(PreparedImage Image, IReadOnlyList<string> References, long Bytes, DateTimeOffset PreparedAt);
