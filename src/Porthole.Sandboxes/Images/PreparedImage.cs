namespace Porthole.Sandboxes.Images;

/// <summary>An image that sessions can be started from: verified, unpacked, and not changed any more.</summary>
/// <param name="Digest">
/// Names the content: "sha256:…" of the image's manifest as it is kept here, or of a zip of code; "host" for <see cref="Host"/>. A registry's
/// digest of the same image may be another one, where it keeps another format.
/// </param>
/// <param name="RootDirectory">The unpacked root file system, owned as the image says; null for the host's own tools.</param>
/// <param name="CodeDirectory">Unpacked code that sessions see read-only at <see cref="CodePath"/>; null for none.</param>
/// <param name="Configuration">How its program is run.</param>
public sealed record PreparedImage(string Digest, string? RootDirectory, string? CodeDirectory, ImageConfiguration Configuration)
{
    /// <summary>Where sessions see the code of a <see cref="CodeDirectory"/>, as on AWS Lambda.</summary>
    public const string CodePath = "/var/task";

    /// <summary>The shell of the image: /bin/bash, or /bin/sh where there is none.</summary>
    public string Shell => RootDirectory is null || InnerPath.Exists(RootDirectory, "/bin/bash") ? "/bin/bash" : "/bin/sh";

    /// <summary>The host's own tools; nothing has to be prepared for it.</summary>
    public static PreparedImage Host { get; } = new("host", null, null, ImageConfiguration.Empty);
}
