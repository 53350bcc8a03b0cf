using System.Diagnostics;

namespace Porthole.Server.Tests.Store;

/// <summary>A file system of one megabyte, which a test fills up.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();

    internal SmallDisk() => IsMounted = Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", _temporary.Path);

    /// <summary>False when this user may not mount.</summary>
    internal bool IsMounted { get; }

    internal string Path => _temporary.Path;

    private string Filler => System.IO.Path.Combine(Path, "filler");

    internal void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true) file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    internal void MakeRoom() => File.Delete(Filler);

    public void Dispose()
    {
        if (IsMounted) Assert.True(Run("umount", Path));
        _temporary.Dispose();
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
