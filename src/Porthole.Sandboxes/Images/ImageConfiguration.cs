namespace Porthole.Sandboxes.Images;

/// <summary>What an image says about how its program is run (OCI image-spec, config.md).</summary>
/// <param name="Entrypoint">First words of the command line; may be empty.</param>
/// <param name="Command">The words after them; may be empty.</param>
/// <param name="Environment">NAME=value, in the image's order.</param>
/// <param name="WorkingDirectory">Where the program starts; an absolute path, "/" when the image says nothing.</param>
/// <param name="User">user, uid, user:group, uid:gid, uid:group or user:gid; empty for root. Names are those of the image's own /etc/passwd and /etc/group.</param>
public sealed record ImageConfiguration(
    IReadOnlyList<string> Entrypoint,
    IReadOnlyList<string> Command,
    IReadOnlyList<string> Environment,
    string WorkingDirectory,
    string User)
{
    /// <summary>What holds where there is no image: nothing to run, no variables, "/", root.</summary>
    public static ImageConfiguration Empty { get; } = new([], [], [], "/", "");

    /// <summary>The whole command line of the image's program; empty when the image has none.</summary>
    public IReadOnlyList<string> Program => [.. Entrypoint, .. Command];
}
