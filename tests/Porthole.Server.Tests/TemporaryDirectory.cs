namespace Porthole.Server.Tests;

/// <summary>A directory that goes with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("porthole-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
