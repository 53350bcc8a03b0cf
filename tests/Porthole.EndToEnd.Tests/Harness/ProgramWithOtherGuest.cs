namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>A copy of the built program whose guest can be replaced; a session keeps the guest that it was started with.</summary>
internal sealed class ProgramWithOtherGuest : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateDirectory($"/var/tmp/porthole-e2e-{Guid.NewGuid():N}");

    public ProgramWithOtherGuest()
    {
        // The session's own user reads it.
        File.SetUnixFileMode(_directory.FullName, (UnixFileMode)0b111_101_101);
        var source = System.IO.Path.GetDirectoryName(PortholeProgram.Path)!;
        foreach (var directory in Directory.EnumerateDirectories(source, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(directory.Replace(source, _directory.FullName, StringComparison.Ordinal));
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
            File.Copy(file, file.Replace(source, _directory.FullName, StringComparison.Ordinal));
    }

    public string Path => System.IO.Path.Combine(_directory.FullName, "porthole");

    /// <summary>Makes every further session run a script as its guest.</summary>
    public void ReplaceGuest(string script)
    {
        var guest = System.IO.Path.Combine(_directory.FullName, "guest", "porthole-guest");
        File.WriteAllText(guest + ".new", script);
        File.SetUnixFileMode(guest + ".new", (UnixFileMode)0b111_101_101);
        File.Move(guest + ".new", guest, overwrite: true);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
