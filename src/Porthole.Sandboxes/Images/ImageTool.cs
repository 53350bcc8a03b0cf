using Porthole.Posix;

namespace Porthole.Sandboxes.Images;

/// <summary>A program of the host that images are had with.</summary>
internal sealed class ImageTool(EventLoop loop, string path)
{
    // What decides how the world is reached, and where credentials lie. Nothing else of the server's environment is their business.
    private static readonly string[] Inherited =
        ["HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "DOCKER_CONFIG"];

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Finds a program.</summary>
    /// <exception cref="ImageException">It is not installed.</exception>
    public static ImageTool Find(EventLoop loop, string name) =>
        new(loop, HostTool.Find(name) ?? throw new ImageException($"{name} is missing on the server's host, which gets images with it: install the package {name}"));

    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="temporary">A directory for its temporary files.</param>
    /// <param name="outputFile">What becomes of its standard output: a new file; null to keep it with the errors.</param>
    /// <param name="look">Called from time to time; what it throws ends the program.</param>
    /// <param name="cancel">Ends the program.</param>
    /// <returns>Null when it succeeded, otherwise what it had to say.</returns>
    public async Task<string?> RunAsync(IReadOnlyList<string> arguments, string temporary, string? outputFile, Action look, CancellationToken cancel)
    {
        const uint ownerOnly = 0x180;
        using var log = BoundedLog.Create();
        using var output = outputFile is null ? null : Descriptor.Open(outputFile, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC, ownerOnly);
        var pid = new ProcessStart
        {
            Path = path,
            Arguments = [path, .. arguments],
            Environment = [.. Environment(), $"TMPDIR={temporary}"],
            Directory = "/",
            Descriptors = [-1, (output ?? log.Descriptor).Number, log.Descriptor.Number],
        }.Start();
        var process = WatchedProcess.TryWatch(loop, pid) ?? throw new ImageException($"{path} vanished: is another part of this process waiting for children?");
        try
        {
            while (await Task.WhenAny(process.Ended, Task.Delay(LookInterval, cancel)) != process.Ended)
            {
                cancel.ThrowIfCancellationRequested();
                look();
            }
        }
        finally
        {
            // Nothing of it may still write when the caller clears up.
            process.Kill();
            await process.Ended;
        }

        return await process.Ended == WatchedProcess.Success ? null : log.Tail();
    }

    private static IEnumerable<string> Environment() =>
        Inherited.Select(name => (Name: name, Value: System.Environment.GetEnvironmentVariable(name)))
            .Where(variable => variable.Value is not null)
            .Select(variable => $"{variable.Name}={variable.Value}")
            .Prepend("LC_ALL=C").Prepend("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}
