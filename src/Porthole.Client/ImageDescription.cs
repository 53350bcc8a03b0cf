namespace Porthole.Client;

/// <summary>An image on a Porthole server.</summary>
/// <param name="Digest">Names its content.</param>
/// <param name="References">The names under which it was asked for, the latest last.</param>
/// <param name="Bytes">What it takes of the server's disk, unpacked.</param>
/// <param name="PreparedAt">When it was asked for last.</param>
/// <param name="InUse">Whether a runtime or a session needs it.</param>
public sealed record ImageDescription(string Digest, IReadOnlyList<string> References, long Bytes, DateTimeOffset PreparedAt, bool InUse);

/// <summary>A step on the way of an image to the server.</summary>
/// <param name="Stage"><c>RESOLVING</c>, <c>COPYING</c>, <c>UNPACKING</c>; null in the last step.</param>
/// <param name="Bytes">How much of the stage is done.</param>
/// <param name="TotalBytes">Of how much; 0 while that is not known.</param>
/// <param name="Digest">In the last step, the image's digest.</param>
/// <param name="Error">Why there is no image. Thrown, never handed out.</param>
public sealed record ImagePullStep(string? Stage, long Bytes, long TotalBytes, string? Digest, string? Error);
