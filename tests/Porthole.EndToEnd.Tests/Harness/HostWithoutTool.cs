namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>This host as it is, but for one program: for commands run in mounts of their own. Needs root.</summary>
internal sealed class HostWithoutTool(string tool) : IDisposable
{
    // Where the program stands, links to everything beside it, and not to it.
    private const string Script = """
        directory=$(dirname "$(command -v "$2")")
        mount --bind "$directory" "$1" && mount -t tmpfs tmpfs "$directory" && PATH="$1:$PATH" ln -s "$1"/* "$directory/" && rm "$directory/$2" || exit 99
        shift 2
        exec "$@"
        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("porthole-e2e-");

    /// <summary>A command line that runs the program in that view of the host.</summary>
    public IReadOnlyList<string> Command(params IEnumerable<string> arguments) =>
        ["unshare", "--mount", "sh", "-c", Script, "sh", _directory.FullName, tool, PortholeProgram.Path, .. arguments];

    public void Dispose() => _directory.Delete();
}
