namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>
/// A bubblewrap on the server's path that waits for a word before it starts the real one: a session can be looked at while it is starting.
/// </summary>
internal sealed class SlowStart : IDisposable
{
    // Not below /tmp: the launcher gathers a sandbox's mounts there, in front of what the host has.
    private readonly DirectoryInfo _directory = Directory.CreateDirectory($"/var/tmp/porthole-e2e-{Guid.NewGuid():N}");

    public SlowStart()
    {
        // The session's own user runs it.
        File.SetUnixFileMode(_directory.FullName, (UnixFileMode)0b111_101_101);
        var script = Path.Combine(_directory.FullName, "bwrap");
        File.WriteAllText(script, $"#!/bin/sh\nwhile [ ! -e {Word} ]; do sleep 0.02; done\nexec /usr/bin/bwrap \"$@\"\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
    }

    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string> { ["PATH"] = $"{_directory.FullName}:/usr/sbin:/usr/bin:/sbin:/bin" };

    private string Word => Path.Combine(_directory.FullName, "go");

    /// <summary>Lets every start go on.</summary>
    public void Release() => File.WriteAllText(Word, "");

    public void Dispose() => _directory.Delete(recursive: true);
}
